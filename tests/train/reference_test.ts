import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { TokenRow } from "lib/data/example.ts";
import {
  computeReference,
  distinctRows,
  referenceOf,
} from "lib/train/reference.ts";
import { Rng } from "lib/rng.ts";

/** A number that prompt and completion decide, boundary included. */
const made = (prompt: readonly number[], completion: readonly number[]) =>
  -Number(
    `${prompt.length}${completion.length}.${prompt.join("")}${
      completion.join("")
    }`,
  );
const scoreRow = ({ prompt, completions }: TokenRow) =>
  completions.map((completion) => made(prompt, completion));

/** So few different texts that most occur again, in other company. */
function randomRows(): TokenRow[] {
  const rng = new Rng(0);
  const ids = (least: number) =>
    Array.from({ length: least + rng.integer(2) }, () => rng.integer(2));
  return Array.from({ length: 60 }, () => ({
    prompt: ids(1),
    completions: Array.from({ length: rng.integer(4) }, () => ids(0)),
  }));
}

Deno.test("a reference knows every completion it was computed for", async () => {
  const rows = randomRows();
  let calls = 0;
  const reference = await computeReference(rows, (distinct) => {
    calls++;
    return Promise.resolve(distinct.map(scoreRow));
  });
  strictEqual(calls, 1);
  for (const row of rows) {
    deepStrictEqual(reference.logProbs(row), scoreRow(row));
  }
});

Deno.test("a reference is looked up by content, whatever row it stands in", () => {
  const reference = referenceOf(
    [{ prompt: [1], completions: [[2, 3], [4]] }, {
      prompt: [1, 2],
      completions: [[3]],
    }],
    [[-1, -2], [-3]],
  );
  const look = (prompt: number[], ...completions: number[][]) =>
    reference.logProbs({ prompt, completions });
  deepStrictEqual(look([1], [4]), [-2]);
  deepStrictEqual(look([1], [4], [2, 3], [4]), [-2, -1, -2]);
  // The same tokens with another boundary are another completion.
  deepStrictEqual(look([1, 2], [3]), [-3]);
  deepStrictEqual(look([9]), []);
});

Deno.test("a reference tells apart which tokens of a completion are scored", () => {
  const row = { prompt: [1], completions: [[2, 3]] };
  const lossMask = [[false, true]];
  const reference = referenceOf([row, { ...row, lossMask }], [[-1], [-2]]);
  deepStrictEqual(reference.logProbs(row), [-1]);
  deepStrictEqual(reference.logProbs({ ...row, lossMask }), [-2]);
  deepStrictEqual(reference.logProbs({ ...row, lossMask: [[true, true]] }), [
    -1,
  ]);
});

Deno.test("a reference refuses a completion that it was not computed for", () => {
  const reference = referenceOf([{ prompt: [1], completions: [[23]] }], [[-1]]);
  for (
    const [prompt, completion] of [[[1], [2, 3]], [[1, 23], []], [[2], [23]]]
  ) {
    throws(
      () => reference.logProbs({ prompt: prompt!, completions: [completion!] }),
      {
        name: "RangeError",
        message: "Cannot look up a completion's reference log-probability: " +
          "it was not computed",
      },
    );
  }
});

Deno.test("distinctRows() leaves out rows that hold nothing new, and no others", () => {
  const rows = randomRows();
  const kept = new Set(distinctRows(rows));
  const seen: [readonly number[], readonly number[]][] = [];
  const isKnown = (prompt: readonly number[], completion: readonly number[]) =>
    seen.some(([p, c]) =>
      p.join() === prompt.join() && c.join() === completion.join()
    );
  for (const row of rows) {
    const { prompt, completions } = row;
    const isNew = completions.some((each) => !isKnown(prompt, each));
    strictEqual(kept.has(row), isNew, JSON.stringify(row));
    for (const each of completions) seen.push([prompt, each]);
  }
});
