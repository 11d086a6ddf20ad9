import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { rowTokens, treeBatch } from "lib/data/tree_batch.ts";
import type { TokenRow } from "lib/data/example.ts";
import { Rng } from "lib/rng.ts";

/** A pair, and a single continuation. */
const ROWS: TokenRow[] = [
  { prompt: [5, 6], completions: [[7, 8], [9]] },
  { prompt: [3], completions: [[4]] },
];

const ints = (list: number[], shape = [list.length]) => ({
  data: Int32Array.from(list),
  shape,
});
const floats = (list: number[], shape = [list.length]) => ({
  data: Float32Array.from(list),
  shape,
});

Deno.test("treeBatch() lays out each prompt once, its continuations after it", () => {
  deepStrictEqual(treeBatch(ROWS), {
    tokens: 7,
    lengths: [2, 1, 1],
    feeds: {
      ids: ints([5, 6, 7, 8, 9, 3, 4]),
      positions: floats([0, 1, 2, 3, 2, 0, 1]),
      tokenOfSlot: ints([0, 1, 2, 3, 4, 5, 6, 0, 0, 0], [2, 5]),
      slotOfToken: ints([0, 1, 2, 3, 4, 5, 6]),
      slotMask: floats([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], [2, 5]),
      segmentIds: floats([0, 0, 1, 1, 2, 0, 1, -1, -1, -1], [2, 5]),
      slotIndex: floats([0, 1, 2, 3, 4]),
      predictFrom: ints([1, 2, 1, 5]),
      targetIds: ints([7, 8, 9, 4], [4, 1]),
      sequences: ints([0, 0, 1, 2]),
      zeros: floats([0, 0, 0, 0]),
    },
  });
});

Deno.test("treeBatch() gives rows after a shorter one slots of their own", () => {
  const { feeds, tokens } = treeBatch([ROWS[1]!, ROWS[0]!]);
  strictEqual(tokens, 7);
  deepStrictEqual(feeds.ids, ints([3, 4, 5, 6, 7, 8, 9]));
  deepStrictEqual(feeds.slotOfToken, ints([0, 1, 5, 6, 7, 8, 9]));
  deepStrictEqual(
    feeds.tokenOfSlot,
    ints([0, 1, 0, 0, 0, 2, 3, 4, 5, 6], [2, 5]),
  );
  deepStrictEqual(feeds.predictFrom, ints([0, 3, 4, 3]));
  deepStrictEqual(feeds.targetIds, ints([4, 7, 8, 9], [4, 1]));
  deepStrictEqual(feeds.sequences, ints([0, 1, 1, 2]));
});

Deno.test("treeBatch() numbers scored prompts after all continuations", () => {
  const { feeds, lengths } = treeBatch(ROWS, { scorePrompts: true });
  deepStrictEqual(lengths, [2, 1, 1, 1, 0]);
  deepStrictEqual(feeds.predictFrom, ints([1, 2, 1, 5, 0]));
  deepStrictEqual(feeds.targetIds, ints([7, 8, 9, 4, 6], [5, 1]));
  deepStrictEqual(feeds.sequences, ints([0, 0, 1, 2, 3]));
  deepStrictEqual(feeds.zeros, floats([0, 0, 0, 0, 0, 0]));
});

Deno.test("treeBatch() pads scored tokens to a multiple, in a sequence of their own", () => {
  const { feeds, lengths, tokens } = treeBatch(ROWS, { multiple: 3 });
  strictEqual(tokens, 7);
  deepStrictEqual(lengths, [2, 1, 1]);
  deepStrictEqual(feeds.predictFrom, ints([1, 2, 1, 5, 0, 0]));
  deepStrictEqual(feeds.targetIds, ints([7, 8, 9, 4, 0, 0], [6, 1]));
  deepStrictEqual(feeds.sequences, ints([0, 0, 1, 2, 3, 3]));
  deepStrictEqual(feeds.zeros, floats([0, 0, 0, 0]));
});

Deno.test("treeBatch() pads nothing where the multiple is met", () => {
  deepStrictEqual(treeBatch(ROWS, { multiple: 2 }), treeBatch(ROWS));
});

Deno.test("treeBatch() keeps the number of an empty continuation", () => {
  const rows = [{ prompt: [5], completions: [[], [6], []] }];
  const { feeds, lengths } = treeBatch(rows);
  deepStrictEqual(lengths, [0, 1, 0]);
  deepStrictEqual(feeds.ids, ints([5, 6]));
  deepStrictEqual(feeds.segmentIds, floats([0, 2], [1, 2]));
  deepStrictEqual(feeds.sequences, ints([1]));
  deepStrictEqual(feeds.zeros, floats([0, 0, 0, 0]));
});

Deno.test("treeBatch() scores a padding token where there is nothing to score", () => {
  const { feeds, lengths } = treeBatch([{ prompt: [5, 6], completions: [] }]);
  deepStrictEqual(lengths, []);
  deepStrictEqual(feeds.predictFrom, ints([0]));
  deepStrictEqual(feeds.sequences, ints([0]));
  deepStrictEqual(feeds.zeros, floats([0]));
});

Deno.test("treeBatch() names the row whose prompt is empty", () => {
  throws(() => treeBatch([ROWS[0]!, { prompt: [], completions: [[1]] }]), {
    name: "RangeError",
    message: "Cannot lay out row 1 of a batch: its prompt is empty, " +
      "expected at least one token",
  });
});

Deno.test("rowTokens() counts the prompt once", () => {
  deepStrictEqual(ROWS.map(rowTokens), [5, 2]);
});

/** Rows of random ids, prompts and completions of one token among them. */
function randomRows(rng: Rng): Required<TokenRow>[] {
  const ids = () =>
    Array.from({ length: 1 + rng.integer(5) }, () => rng.integer(50));
  return Array.from({ length: 1 + rng.integer(4) }, () => {
    const completions = Array.from({ length: 1 + rng.integer(3) }, ids);
    return {
      prompt: ids(),
      completions,
      lossMask: completions.map((list) => list.map(() => rng.integer(2) === 1)),
    };
  });
}

Deno.test("treeBatch() scores the marked tokens, each from the token before it", () => {
  const [row] = ROWS;
  const { feeds, lengths, tokens } = treeBatch([
    { ...row!, lossMask: [[false, true], [false]] },
    ROWS[1]!,
  ]);
  strictEqual(tokens, 7);
  deepStrictEqual(lengths, [1, 0, 1]);
  deepStrictEqual(feeds.predictFrom, ints([2, 5]));
  deepStrictEqual(feeds.targetIds, ints([8, 4], [2, 1]));
  deepStrictEqual(feeds.sequences, ints([0, 2]));
  deepStrictEqual(feeds.ids, treeBatch(ROWS).feeds.ids);
});

Deno.test("treeBatch() with a mark on every token is as without marks, bit for bit", () => {
  const rng = new Rng("marks");
  for (let i = 0; i < 100; i++) {
    const rows = randomRows(rng);
    const bare = rows.map(({ prompt, completions }) => ({
      prompt,
      completions,
    }));
    const all = bare.map((row) => ({
      ...row,
      lossMask: row.completions.map((ids) => ids.map(() => true)),
    }));
    for (const options of [{}, { scorePrompts: true, multiple: 4 }]) {
      deepStrictEqual(treeBatch(all, options), treeBatch(bare, options));
    }
  }
});

Deno.test("treeBatch() has the same targets whatever stands where nothing is scored", () => {
  const rng = new Rng("unscored");
  for (let i = 0; i < 100; i++) {
    const rows = randomRows(rng);
    const changed = rows.map(({ prompt, completions, lossMask }) => ({
      prompt: prompt.map(() => rng.integer(50)),
      completions: completions.map((ids, k) =>
        ids.map((id, t) => lossMask[k]![t] ? id : rng.integer(50))
      ),
      lossMask,
    }));
    const before = treeBatch(rows);
    const after = treeBatch(changed);
    deepStrictEqual(after.lengths, before.lengths);
    for (const name of ["targetIds", "sequences", "predictFrom"] as const) {
      deepStrictEqual(after.feeds[name], before.feeds[name]);
    }
    const expected = rows.flatMap(({ completions, lossMask }) =>
      completions.flatMap((ids, k) => ids.filter((_, t) => lossMask[k]![t]))
    );
    deepStrictEqual(
      [...before.feeds.targetIds.data],
      expected.length > 0 ? expected : [0],
    );
  }
});

Deno.test("treeBatch() refuses marks that are not one a token", () => {
  const row: TokenRow = {
    prompt: [1],
    completions: [[2, 3]],
    lossMask: [[true]],
  };
  throws(() => treeBatch([row]), {
    name: "RangeError",
    message: "Cannot lay out row 0 of a batch: completion 0 has 2 tokens, " +
      "and 1 marks of which are scored",
  });
});
