import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { attentionTiles } from "lib/data/attention_tiles.ts";
import { rowTokens, suitedCuts, treeBatch } from "lib/data/tree_batch.ts";
import type { TokenRow } from "lib/data/example.ts";
import { Rng } from "lib/rng.ts";

/** A pair, and a single continuation. */
const ROWS: TokenRow[] = [
  { prompt: [5, 6], completions: [[7, 8], [9]] },
  { prompt: [3], completions: [[4]] },
];

Deno.test("treeBatch() lays out each prompt once, its continuations after it", () => {
  deepStrictEqual(treeBatch(ROWS), {
    ids: [5, 6, 7, 8, 9, 3, 4],
    positions: [0, 1, 2, 3, 2, 0, 1],
    rowLength: 5,
    tokenOfSlot: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 0, 0, 0),
    slotOfToken: [0, 1, 2, 3, 4, 5, 6],
    slotMask: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 0, 0, 0),
    segmentIds: Float32Array.of(0, 0, 1, 1, 2, 0, 1, -1, -1, -1),
    predictFrom: [1, 2, 1, 5],
    targetIds: [7, 8, 9, 4],
    sequences: [0, 0, 1, 2],
    lengths: [2, 1, 1],
    tiling: null,
  });
});

Deno.test("treeBatch() cuts attention into tiles where it is asked to", () => {
  const { tiling, ...rest } = treeBatch(ROWS, { attentionCuts: 2 });
  deepStrictEqual(tiling, attentionTiles(ROWS, 2));
  deepStrictEqual({ ...rest, tiling: null }, treeBatch(ROWS));
});

Deno.test("suitedCuts() goes by the rows that most tokens are in", () => {
  const pair = (length: number): TokenRow => ({
    prompt: new Array(length - 100).fill(1),
    completions: [new Array(60).fill(2), new Array(40).fill(3)],
  });
  const of = (...lengths: number[]) => suitedCuts(lengths.map(pair));
  deepStrictEqual([of(), of(255), of(256), of(1023)], [0, 0, 2, 2]);
  deepStrictEqual([of(1024), of(2047), of(2048)], [4, 4, 6]);
  strictEqual(of(150, 150, 150, 300), 0);
  strictEqual(of(150, 150, 300), 2);
  strictEqual(of(150, 4096), 6);
});

Deno.test("treeBatch() gives rows after a shorter one slots of their own", () => {
  const tree = treeBatch([ROWS[1]!, ROWS[0]!]);
  strictEqual(tree.ids.length, 7);
  deepStrictEqual(tree.ids, [3, 4, 5, 6, 7, 8, 9]);
  deepStrictEqual(tree.slotOfToken, [0, 1, 5, 6, 7, 8, 9]);
  deepStrictEqual(
    tree.tokenOfSlot,
    Int32Array.of(0, 1, 0, 0, 0, 2, 3, 4, 5, 6),
  );
  deepStrictEqual(tree.predictFrom, [0, 3, 4, 3]);
  deepStrictEqual(tree.targetIds, [4, 7, 8, 9]);
  deepStrictEqual(tree.sequences, [0, 1, 1, 2]);
});

Deno.test("treeBatch() numbers scored prompts after all continuations", () => {
  const tree = treeBatch(ROWS, { scorePrompts: true });
  deepStrictEqual(tree.lengths, [2, 1, 1, 1, 0]);
  deepStrictEqual(tree.predictFrom, [1, 2, 1, 5, 0]);
  deepStrictEqual(tree.targetIds, [7, 8, 9, 4, 6]);
  deepStrictEqual(tree.sequences, [0, 0, 1, 2, 3]);
});

Deno.test("treeBatch() pads scored tokens to a multiple, in a sequence of their own", () => {
  const tree = treeBatch(ROWS, { multiple: 3 });
  strictEqual(tree.ids.length, 7);
  deepStrictEqual(tree.lengths, [2, 1, 1]);
  deepStrictEqual(tree.predictFrom, [1, 2, 1, 5, 0, 0]);
  deepStrictEqual(tree.targetIds, [7, 8, 9, 4, 0, 0]);
  deepStrictEqual(tree.sequences, [0, 0, 1, 2, 3, 3]);
});

Deno.test("treeBatch() pads nothing where the multiple is met", () => {
  deepStrictEqual(treeBatch(ROWS, { multiple: 2 }), treeBatch(ROWS));
});

Deno.test("treeBatch() keeps the number of an empty continuation", () => {
  const rows = [{ prompt: [5], completions: [[], [6], []] }];
  const tree = treeBatch(rows);
  deepStrictEqual(tree.lengths, [0, 1, 0]);
  deepStrictEqual(tree.ids, [5, 6]);
  deepStrictEqual(tree.segmentIds, Float32Array.of(0, 2));
  deepStrictEqual(tree.sequences, [1]);
});

Deno.test("treeBatch() scores a padding token where there is nothing to score", () => {
  const tree = treeBatch([{ prompt: [5, 6], completions: [] }]);
  deepStrictEqual(tree.lengths, []);
  deepStrictEqual(tree.predictFrom, [0]);
  deepStrictEqual(tree.sequences, [0]);
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
  const tree = treeBatch([
    { ...row!, lossMask: [[false, true], [false]] },
    ROWS[1]!,
  ]);
  strictEqual(tree.ids.length, 7);
  deepStrictEqual(tree.lengths, [1, 0, 1]);
  deepStrictEqual(tree.predictFrom, [2, 5]);
  deepStrictEqual(tree.targetIds, [8, 4]);
  deepStrictEqual(tree.sequences, [0, 2]);
  deepStrictEqual(tree.ids, treeBatch(ROWS).ids);
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
      deepStrictEqual(after[name], before[name]);
    }
    const expected = rows.flatMap(({ completions, lossMask }) =>
      completions.flatMap((ids, k) => ids.filter((_, t) => lossMask[k]![t]))
    );
    deepStrictEqual(
      before.targetIds,
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
