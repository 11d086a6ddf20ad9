import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type Example,
  hasEqualCompletions,
  hashExamples,
  lossLengths,
  lossMaskKeys,
} from "lib/data/example.ts";

const PAIR: Example = { prompt: [1, 5], completions: [[6, 7, 2], [8, 2]] };
const GOOD: Example = { prompt: [1, 5], completions: [[6, 7, 2]], label: true };

const pairs = (...examples: Example[]) => ({ examples });

Deno.test("hashExamples() is the SHA-256 of one JSON line an example", () => {
  // printf '[[1,5],[[6,7,2],[8,2]],null]\n' | sha256sum
  strictEqual(
    hashExamples(pairs(PAIR)),
    "b4cb3760b1f65f9545a75ca42a4781a8bb2f96927962e90a77fead553539f9af",
  );
});

Deno.test("hashExamples() of marks on every token is that of none", () => {
  const lossMask = [[true, true, true], [true, true]];
  strictEqual(
    hashExamples(pairs({ ...PAIR, lossMask })),
    hashExamples(pairs(PAIR)),
  );
});

Deno.test("hashExamples() tells ids, boundaries, marks, labels and order apart", () => {
  const sets = [
    [PAIR, GOOD],
    [GOOD, PAIR],
    [PAIR, { ...GOOD, label: false }],
    [{ prompt: [1], completions: [[5, 6, 7, 2], [8, 2]] }, GOOD],
    [{ prompt: [1, 5], completions: [[6, 7], [2, 8, 2]] }, GOOD],
    [{ prompt: [1, 5], completions: [[6, 7, 3], [8, 2]] }, GOOD],
    [{ ...PAIR, lossMask: [[true, true, false], [true, true]] }, GOOD],
    [{ ...PAIR, lossMask: [[true, true, true], [true, false]] }, GOOD],
  ].map((examples) => hashExamples(pairs(...examples)));
  strictEqual(new Set(sets).size, sets.length);
});

Deno.test("hashExamples() tells ratings apart only where they count", () => {
  const hashes = (withRatings: boolean) =>
    new Set([[5, 1], [5, 2], undefined].map((ratings) =>
      hashExamples({
        examples: [{ ...PAIR, ...ratings && { ratings } }],
        withRatings,
      })
    ));
  strictEqual(hashes(true).size, 3);
  deepStrictEqual([...hashes(false)], [hashExamples(pairs(PAIR))]);
});

const completions = [[5, 6, 7], [8], []];

Deno.test("all tokens of a completion are scored where nothing else is said", () => {
  deepStrictEqual(lossLengths({ completions }), [3, 1, 0]);
  deepStrictEqual(lossMaskKeys({ completions }), ["", "", ""]);
});

Deno.test("a completion of which some tokens are scored is as long as those", () => {
  const lossMask = [[true, false, true], [false], []];
  deepStrictEqual(lossLengths({ completions, lossMask }), [2, 0, 0]);
  deepStrictEqual(lossMaskKeys({ completions, lossMask }), ["101", "0", ""]);
});

Deno.test("marks on every token say as much as none", () => {
  const lossMask = [[true, true, true], [true], []];
  deepStrictEqual(lossLengths({ completions, lossMask }), [3, 1, 0]);
  deepStrictEqual(lossMaskKeys({ completions, lossMask }), ["", "", ""]);
});

Deno.test("completions are equal whose tokens are, and those that the loss counts", () => {
  const prompt = [1];
  const cases: [boolean, number[][], boolean[][]?][] = [
    [true, [[2, 3], [2, 3]]],
    [true, [[2, 3], [4], [2, 3]]],
    [true, [[], []]],
    [false, [[2, 3], [2]]],
    [false, [[2, 3], [3, 2]]],
    [false, [[2, 3]]],
    [false, [[12], [1, 2]]],
    [true, [[2, 3], [2, 3]], [[true, false], [true, false]]],
    [false, [[2, 3], [2, 3]], [[true, false], [true, true]]],
  ];
  for (const [expected, completions, lossMask] of cases) {
    const example = { prompt, completions, ...lossMask && { lossMask } };
    strictEqual(hasEqualCompletions(example), expected);
  }
});
