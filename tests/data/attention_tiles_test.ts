import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  attentionTiles,
  executedScores,
  neededScores,
  type Places,
  type Slots,
} from "lib/data/attention_tiles.ts";
import type { TokenRow } from "lib/data/example.ts";
import { treeBatch } from "lib/data/tree_batch.ts";
import { Rng } from "lib/rng.ts";

const row = (prompt: number, ...completions: number[]): TokenRow => ({
  prompt: new Array(prompt).fill(1),
  completions: completions.map((length) => new Array(length).fill(2)),
});

/** Rows with 0 to 3 continuations of 0 to 12 tokens each. */
function randomRows(rng: Rng): TokenRow[] {
  const below = (n: number) => Math.floor(rng.uniform() * n);
  return Array.from({ length: 1 + below(4) }, () =>
    row(
      1 + below(8),
      ...Array.from({ length: below(4) }, () => below(13)),
    ));
}

/** Token numbers in each row of slots, without the empty ones. */
function tokensIn({ data, shape: [rows, length] }: Slots): number[][] {
  return Array.from(
    { length: rows },
    (_, r) => Array.from(data.slice(r * length, (r + 1) * length)),
  );
}

/** `query key` of all pairs that attention is over, from a batch in rows. */
function visiblePairs(rows: readonly TokenRow[]): string[] {
  const { slotOfToken, segmentIds, rowLength } = treeBatch(rows);
  return slotOfToken.flatMap((query, q) =>
    slotOfToken.flatMap((key, k) => {
      const sameRow = Math.floor(query / rowLength) ===
        Math.floor(key / rowLength);
      const segment = segmentIds[key];
      const visible = segment === 0 || segment === segmentIds[query];
      return sameRow && visible && k <= q ? [`${q} ${k}`] : [];
    })
  );
}

Deno.test("tiles hold each visible key of each query once", () => {
  const rng = new Rng("tiles");
  for (let draw = 0; draw < 40; draw++) {
    const rows = randomRows(rng);
    const { tiles } = attentionTiles(rows, 1 + draw % 4);
    const pairs = tiles.flatMap(({ queries, keys }) => {
      const keyRows = tokensIn(keys);
      return tokensIn(queries).flatMap((queries, r) =>
        queries.flatMap((q) =>
          keyRows[r]!.flatMap((k) => k >= 0 && k <= q ? [`${q} ${k}`] : [])
        )
      );
    });
    deepStrictEqual(pairs.toSorted(), visiblePairs(rows).toSorted());
  }
});

/** Tokens where places say that they stand, over all slots of tiles. */
function tokensByPlace(
  { data, shape: [, columns, tokens] }: Places,
  columnOf: (tile: number) => number,
  tiles: readonly Slots[],
): number[] {
  const part = columns * tokens;
  const ends = tiles.map(({ data }) => data.length);
  const found = new Array(ends.reduce((a, b) => a + b)).fill(-1);
  const tileOf = (slot: number) => {
    let tile = 0;
    while (slot >= ends[tile]!) slot -= ends[tile++]!;
    return tile;
  };
  for (let at = 0; at < part; at++) {
    const [start, length, place] = [0, 1, 2].map((i) => data[at + i * part]!);
    if (place === 0) continue;
    const slot = start! + place! - 1;
    const tile = tileOf(slot);
    strictEqual(length, tiles[tile]!.shape[1]);
    strictEqual(columnOf(tile), Math.floor(at / tokens));
    found[slot] = at % tokens;
  }
  return found;
}

Deno.test("places are those of the slots", () => {
  const rng = new Rng("places");
  for (let draw = 0; draw < 20; draw++) {
    const { tiles, queryPlaces, keyPlaces } = attentionTiles(
      randomRows(rng),
      1 + draw % 4,
    );
    const queries = tiles.map(({ queries }) => queries);
    const keys = tiles.map(({ keys }) => keys);
    deepStrictEqual(
      tokensByPlace(queryPlaces, (tile) => Math.min(tile, 1), queries),
      queries.flatMap(({ data }) => [...data]),
    );
    deepStrictEqual(
      tokensByPlace(keyPlaces, (tile) => tile, keys),
      keys.flatMap(({ data }) => [...data]),
    );
  }
});

Deno.test("scores are counted by row and by tile", () => {
  // 2 · 3 / 2 in the prompt, 3 · 2 with it, 3 · 4 / 2 in the continuation.
  strictEqual(neededScores([row(2, 3), row(2)]), 3 + 6 + 6 + 3);
  // 3 queries on 2 keys, and 2 segments of 3 slots.
  strictEqual(executedScores(attentionTiles([row(2, 3)], 1)), 6 + 18);
  // The second cut has the last query of one segment.
  strictEqual(executedScores(attentionTiles([row(2, 3)], 2)), 6 + 8 + 3);
});

/** What rows hold, cuts, and the most scores computed for one that is needed. */
const GUARDED: [rows: TokenRow[], cuts: number, most: number][] = [
  [[row(150, 400, 400)], 2, 1.34],
  [[row(150, 400, 100)], 2, 1.42],
  [[row(60, 100, 90), row(120, 70, 100), row(90, 90, 90)], 2, 1.8],
  [[row(250, 650, 600)], 4, 1.25],
  [[row(1000, 1548, 1548)], 4, 1.14],
  [[row(1000, 3000, 96)], 6, 1.14],
];

Deno.test("tiles compute few scores for nothing", () => {
  for (const [rows, cuts, most] of GUARDED) {
    const ratio = executedScores(attentionTiles(rows, cuts)) /
      neededScores(rows);
    ok(ratio <= most, `${ratio} scores for one that is needed`);
  }
});
