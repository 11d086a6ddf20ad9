import type { TokenRow } from "./example.ts";

/** Tokens in rows of slots; shorter rows leave their last slots empty. */
export interface Slots {
  /** Number of each token, row by row; −1 in an empty slot. */
  readonly data: Float32Array;
  readonly shape: readonly [rows: number, length: number];
}

/**
 * The slots of all tiles, laid end to end, in which tokens stand. Of each token:
 * the first slot of its row, the length of that row, and its own place in it,
 * counted from 1. All three are 0 where it stands in none: `[3, columns, N]`.
 */
export interface Places {
  readonly data: Float32Array;
  readonly shape: readonly [3, columns: number, tokens: number];
}

/**
 * Attention over a stream of N tokens as tiles: rectangles in which each row of
 * queries meets the same row of keys. The first tile holds the continuations of
 * each row and their prompt; the others hold segments, which are prompts and
 * continuations, with the keys up to the end of the queries. Within a tile a
 * token is a key once at most, so gradients are gathered and never scattered.
 */
export interface AttentionTiles {
  readonly tiles: readonly { readonly queries: Slots; readonly keys: Slots }[];
  /** Places as a query of the first tile, and of one of the others. */
  readonly queryPlaces: Places;
  /** Places as a key of each tile. */
  readonly keyPlaces: Places;
}

/** Numbers of tokens that follow one another, `[start, end)`. */
type Tokens = readonly [start: number, end: number];

/**
 * Plans attention in one tile for prompts and `cuts` tiles for segments, which
 * cut the queries of all where the fewest scores are computed for nothing: above
 * the diagonal, or beside segments that end before.
 */
export function attentionTiles(
  rows: readonly TokenRow[],
  cuts: number,
): AttentionTiles {
  const { prompts, continuations, segments } = rangesOf(rows);
  const tokens = continuations.at(-1)![1];
  const bounds = bestBounds(segments.map(lengthOf), cuts);
  const own = bounds.slice(1).map((end, i) =>
    ownTile(segments, { start: bounds[i]!, end })
  );
  const tiles = [{ queries: continuations, keys: prompts }, ...own];
  const queries = tiles.map(({ queries }) => queries);
  const keys = tiles.map(({ keys }) => keys);
  return {
    tiles: tiles.map(({ queries, keys }) => ({
      queries: slots(queries),
      keys: slots(keys),
    })),
    queryPlaces: places(queries, tokens, queries.map((_, i) => Math.min(i, 1))),
    keyPlaces: places(keys, tokens, keys.map((_, i) => i)),
  };
}

/** Entries of the matrices of scores that tiles take, of one head. */
export function executedScores({ tiles }: AttentionTiles): number {
  return tiles.reduce((sum, { queries, keys }) => {
    const [rows, length] = queries.shape;
    return sum + rows * length * keys.shape[1];
  }, 0);
}

/** Scores that the attention of rows is made of, of one head. */
export function neededScores(rows: readonly TokenRow[]): number {
  const triangle = (n: number) => n * (n + 1) / 2;
  return rows.reduce(
    (sum, { prompt: { length }, completions }) =>
      completions.reduce(
        (sum, { length: own }) => sum + own * length + triangle(own),
        sum + triangle(length),
      ),
    0,
  );
}

function rangesOf(rows: readonly TokenRow[]) {
  const prompts: Tokens[] = [];
  const continuations: Tokens[] = [];
  const segments: Tokens[] = [];
  let end = 0;
  const take = (length: number): Tokens => [end, end += length];
  for (const { prompt, completions } of rows) {
    const first = take(prompt.length);
    const others = completions.map(({ length }) => take(length));
    prompts.push(first);
    continuations.push([first[1], end]);
    segments.push(first, ...others);
  }
  return { prompts, continuations, segments };
}

/** Queries between two bounds of those segments that reach beyond the first. */
function ownTile(
  segments: readonly Tokens[],
  { start, end }: { start: number; end: number },
): { queries: readonly Tokens[]; keys: readonly Tokens[] } {
  const alive = segments.filter((segment) => lengthOf(segment) > start);
  const upTo = (first: number, last: number) => Math.min(first + end, last);
  if (alive.length === 0) return { queries: [[0, 0]], keys: [[0, 0]] };
  return {
    queries: alive.map(([first, last]) => [first + start, upTo(first, last)]),
    keys: alive.map(([first, last]) => [first, upTo(first, last)]),
  };
}

/** Bounds are looked for at the ends of segments and at this many places more. */
const PLACES_FOR_BOUNDS = 32;

/** Bounds of cuts, from 0 to the longest length, with the smallest tiles. */
function bestBounds(lengths: readonly number[], cuts: number): number[] {
  const longest = Math.max(...lengths);
  const step = Math.ceil(longest / PLACES_FOR_BOUNDS);
  const places = Array.from({ length: PLACES_FOR_BOUNDS }, (_, i) => i * step)
    .filter((place) => place < longest);
  const bounds = [...new Set([...places, ...lengths])].toSorted((a, b) =>
    a - b
  );
  const rowsFrom = bounds.map((from) => lengths.filter((n) => n > from).length);
  let best = bounds.map((_, at) => ({ cost: at && Infinity, path: [0] }));
  for (let cut = 0; cut < cuts; cut++) {
    best = bounds.map((to, last) => {
      const costs = bounds.slice(0, last + 1).map((from, i) =>
        best[i]!.cost + rowsFrom[i]! * (to - from) * to
      );
      const cost = Math.min(...costs);
      return { cost, path: [...best[costs.indexOf(cost)]!.path, to] };
    });
  }
  return best.at(-1)!.path;
}

const lengthOf = ([start, end]: Tokens): number => end - start;

/** Slots of each row, at least one as products of nothing are not everywhere. */
const slotCount = (rows: readonly Tokens[]): number =>
  Math.max(1, ...rows.map(lengthOf));

function slots(rows: readonly Tokens[]): Slots {
  const length = slotCount(rows);
  const data = new Float32Array(rows.length * length).fill(-1);
  for (const [row, [start, end]] of rows.entries()) {
    for (let i = 0; start + i < end; i++) data[row * length + i] = start + i;
  }
  return { data, shape: [rows.length, length] };
}

/** @param columnOf each tile, in which its tokens' places are written. */
function places(
  tiles: readonly (readonly Tokens[])[],
  tokens: number,
  columnOf: readonly number[],
): Places {
  const columns = Math.max(...columnOf) + 1;
  const part = columns * tokens;
  const data = new Float32Array(3 * part);
  let rowStart = 0;
  for (const [i, rows] of tiles.entries()) {
    const length = slotCount(rows);
    for (const [start, end] of rows) {
      for (let token = start; token < end; token++) {
        const at = columnOf[i]! * tokens + token;
        data[at] = rowStart;
        data[at + part] = length;
        data[at + 2 * part] = token - start + 1;
      }
      rowStart += length;
    }
  }
  return { data, shape: [3, columns, tokens] };
}
