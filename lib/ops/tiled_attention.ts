import { applyAll } from "../onnx/graph/apply.ts";
import type { Op, Value, Values } from "../onnx/graph/graph.ts";
import { dimAt, sizeAt } from "../onnx/graph/tensor_type.ts";
import { capped } from "./activation.ts";
import { add, mul, sigmoid, sub } from "./elementwise.ts";
import { gather } from "./indexing.ts";
import { matmul } from "./linalg.ts";
import { logSumExp, softmax } from "./norm.ts";
import { concat, reshape, sum } from "./shaping.ts";

/**
 * A rectangle of attention: each row of queries meets the same row of keys. S
 * is heads/kvHeads · L, as queries of heads that share a key head follow one
 * another.
 */
export interface Tile {
  /** Row of q as a matrix of `[N · heads, size]`, int32 `[R, kvHeads, S]`. */
  readonly queries: Value;
  /** The same plus 1, and 0 in slots without a query. */
  readonly queriesOrNone: Value;
  /** Row of k and of v as such a matrix, int32 `[R, kvHeads, U]`. */
  readonly keys: Value;
  /** Added to the scores, `[R, 1, S, U]`. */
  readonly bias: Value;
}

/**
 * Tiles, and the slots of tokens in them. Slots are numbered over all tiles,
 * from 1; 0 is for a token that has none.
 */
export interface Tiling {
  readonly tiles: readonly Tile[];
  /** Slot of each query in the first tile, if any, int32 `[N, heads]`. */
  readonly firstSlots: Value;
  /** Slot of each query in one of the other tiles, int32 `[N, heads]`. */
  readonly otherSlots: Value;
  /** Slot of each key in each tile, if any, int32 `[tiles, N, kvHeads]`. */
  readonly keySlots: Value;
}

type Inputs = readonly [q: Value, k: Value, v: Value, ...tiling: Value[]];
type Scores = { scale: number | null; cap: number | null };

/**
 * A tile gives each of its queries an output o and z, the logarithm of the sum
 * of exponentials. Those of two tiles join as o = w o₁ + (1 − w) o₀ with
 * w = σ(z₁ − z₀): the softmax over the keys of both. In the backward pass a
 * tile's weights are computed again, and w is in place of z: the cotangent is
 * that of softmax under w do, with w Σ do · o for the tile's own sum.
 * https://arxiv.org/abs/2205.14135
 */
const AttendTiles: Op<Inputs, Scores, readonly [o: Value, w: Value]> = {
  name: "AttendTiles",
  domain: "prefgrad",
  infer: ([{ dtype, shape }]) => [
    { dtype, shape },
    { dtype, shape: [...shape.slice(0, -1), 1] },
  ],
  vjp: ({ inputs, outputs: [o, w], attributes }, [dO]) => {
    const [, , , ...rest] = inputs;
    const { tiles, firstSlots, otherSlots, keySlots } = unpack(rest);
    const stream = matrices(inputs);
    const projection = sum(mul(dO, o), [-1], { keepdims: true });
    const [others, first] = shares([dO, projection], w);
    const parts = tiles.map((tile, i) =>
      tileGradients(stream, tile, {
        attributes,
        cotangents: i === 0 ? first : others,
      })
    );
    const dQ = joined(parts.map(({ dQ }) => dQ), 0);
    const ofKeys = (parts: readonly Value[]) =>
      sum(gather(joined(parts, 0), keySlots), [0]);
    return [
      add(gather(dQ, otherSlots), gather(dQ, firstSlots)),
      ofKeys(parts.map(({ dK }) => dK)),
      ofKeys(parts.map(({ dV }) => dV)),
      ...rest.map(() => null),
    ];
  },
  lower: (inputs, attributes) => {
    const [, , , ...rest] = inputs;
    const { tiles, firstSlots, otherSlots } = unpack(rest);
    const stream = matrices(inputs);
    const parts = tiles.map((tile) => {
      const { biased, p } = weights(stream, tile, attributes);
      const o = matmul(p, gather(stream.v, tile.keys));
      return { o, z: logSumExp(biased, p) };
    });
    const o = joined(parts.map(({ o }) => o), 0);
    const z = joined(parts.map(({ z }) => z), NONE);
    const w = sigmoid(sub(gather(z, otherSlots), gather(z, firstSlots)));
    const first = gather(o, firstSlots);
    return [add(first, mul(w, sub(gather(o, otherSlots), first))), w];
  },
};

/** Far below any z, so that a tile that a query is not in has no weight. */
const NONE = -1e9;

/**
 * Attention over a stream, as `attendRows` has it, over the keys of the tiles
 * that a query is in: q and the result are `[N, heads, size]`, k and v are
 * `[N, kvHeads, size]`.
 */
export const attendTiles = (
  operands: readonly [q: Value, k: Value, v: Value],
  { tiles, firstSlots, otherSlots, keySlots }: Tiling,
  { scale = null, cap = null }: Partial<Scores> = {},
): Value => {
  const slots = [firstSlots, otherSlots, keySlots];
  const parts = tiles.flatMap((
    { queries, queriesOrNone, keys, bias },
  ) => [queries, queriesOrNone, keys, bias]);
  const inputs: Inputs = [...operands, ...slots, ...parts];
  return applyAll(AttendTiles, inputs, { scale, cap })[0];
};

function unpack([firstSlots, otherSlots, keySlots, ...rest]: Values): Tiling {
  const tiles = Array.from({ length: rest.length / 4 }, (_, i) => {
    const [queries, queriesOrNone, keys, bias] = rest.slice(4 * i);
    return {
      queries: queries!,
      queriesOrNone: queriesOrNone!,
      keys: keys!,
      bias: bias!,
    };
  });
  return {
    tiles,
    firstSlots: firstSlots!,
    otherSlots: otherSlots!,
    keySlots: keySlots!,
  };
}

/** Queries, keys and values as matrices of heads' rows. */
type Stream = Readonly<Record<"q" | "k" | "v", Value>>;

const matrices = ([q, k, v]: Inputs): Stream => ({
  q: asMatrix(q),
  k: asMatrix(k),
  v: asMatrix(v),
});

/** The weights p of a tile, and the scores of which they are the softmax. */
function weights(
  { q, k }: Stream,
  { queries, keys, bias }: Tile,
  { scale, cap }: Scores,
) {
  const alpha = scale ?? 1 / Math.sqrt(sizeAt(q, -1));
  const tileQ = gather(q, queries);
  const tileK = gather(k, keys);
  const products = matmul(tileQ, tileK, { transB: true, alpha });
  const scores = capped(products, cap);
  const biased = add(scores.value, bias);
  return { alpha, tileQ, tileK, scores, biased, p: softmax(biased) };
}

/** Rows of cotangents of a tile's outputs, and of the sums of its weights. */
type Cotangents = readonly [dO: Value, projection: Value];

/** The parts w and 1 − w of cotangents `[N, heads, …]`, as rows from 1. */
function shares(
  cotangents: Cotangents,
  w: Value,
): readonly [w: Cotangents, rest: Cotangents] {
  const [dO, projection] = cotangents;
  const [dOther, projectionOther] = [mul(dO, w), mul(projection, w)];
  return [
    [joined([dOther], 0), joined([projectionOther], 0)],
    [
      joined([sub(dO, dOther)], 0),
      joined([sub(projection, projectionOther)], 0),
    ],
  ];
}

function tileGradients(
  stream: Stream,
  tile: Tile,
  { attributes, cotangents }: { attributes: Scores; cotangents: Cotangents },
): Record<"dQ" | "dK" | "dV", Value> {
  const { alpha, tileQ, tileK, scores, p } = weights(stream, tile, attributes);
  const dO = gather(cotangents[0], tile.queriesOrNone);
  const projection = gather(cotangents[1], tile.queriesOrNone);
  const dP = matmul(dO, gather(stream.v, tile.keys), { transB: true });
  const dS = scores.through(mul(p, sub(dP, projection)));
  return {
    dQ: matmul(dS, tileK, { alpha }),
    dK: matmul(dS, tileQ, { transA: true, alpha }),
    dV: matmul(p, dO, { transA: true }),
  };
}

/** The last axis of x in the rows of a matrix. */
const asMatrix = (x: Value): Value =>
  reshape(x, [x.shape.slice(0, -1).join("·"), dimAt(x, -1)]);

/** The rows of all values in one matrix, below a row of one number. */
function joined(
  parts: readonly Value[],
  number: number,
): Value {
  const matrices = parts.map(asMatrix);
  const { graph } = matrices[0]!;
  const size = sizeAt(matrices[0]!, -1);
  const list = new Array<number>(size).fill(number);
  return concat([graph.numbers(list, [1, size]), ...matrices], 0);
}
