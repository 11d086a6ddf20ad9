import type { Value } from "../../onnx/graph/graph.ts";
import { add, cast, max, mul, neg, sub } from "../../ops/elementwise.ts";
import { gather } from "../../ops/indexing.ts";
import { reshape, unsqueeze } from "../../ops/shaping.ts";
import {
  attendTiles,
  type Tile,
  type Tiling,
} from "../../ops/tiled_attention.ts";
import {
  architectureOf,
  attentionLayers,
  type DecoderConfig,
} from "../config.ts";
import { type Heads, hide, remoteness, type Stream } from "./attention.ts";

/** A tile in a graph: tokens in its slots, and −1 in empty ones. */
interface TileSlots {
  /** `[R, L]` */
  readonly queries: Value;
  /** `[R, U]` */
  readonly keys: Value;
}

/** Tiles of a stream's attention in a graph. */
export interface TileInputs {
  readonly tiles: readonly TileSlots[];
  /**
   * Places as a query of the first tile and of one of the others, `[3, 2, N]`:
   * the first slot of the token's row over all tiles, the length of the row, and
   * the token's own slot in it, counted from 1; 0 if it has none.
   */
  readonly queryPlaces: Value;
  /** Places as a key of each tile, `[3, tiles, N]`. */
  readonly keyPlaces: Value;
}

/**
 * Attends over a stream in tiles, with each layer's window and the model's scale
 * and cap. A key is visible from its own position on; positions go on from the
 * prompt in each continuation.
 */
export function tiledAttention(
  config: DecoderConfig,
  inputs: TileInputs & Pick<Stream, "positions">,
): Stream["attend"] {
  const { attentionScale: scale, attentionCap: cap } = architectureOf(config);
  const windows = attentionLayers(config).map(({ window }) => window);
  const tilingOf = tilings(inputs, config);
  const known = new Map(
    [...new Set(windows)].map((window) => [window, tilingOf(window)]),
  );
  return ({ q, k, v }: Heads, layer: number) =>
    attendTiles([q, k, v], known.get(windows[layer]!)!, { scale, cap });
}

function tilings(
  { tiles, queryPlaces, keyPlaces, positions }:
    & TileInputs
    & Pick<Stream, "positions">,
  { heads, kvHeads }: Pick<DecoderConfig, "heads" | "kvHeads">,
): (window: number | null) => Tiling {
  const querySlots = slotsOf(queryPlaces, heads);
  const slots = {
    firstSlots: gather(querySlots, index(querySlots, 0)),
    otherSlots: gather(querySlots, index(querySlots, 1)),
    keySlots: slotsOf(keyPlaces, kvHeads),
  };
  const parts = tiles.map((tile) => ({
    ...tileRows(tile, { heads, kvHeads }),
    biasOf: visibility(tile, { positions, share: heads / kvHeads }),
  }));
  return (window) => ({
    ...slots,
    tiles: parts.map(({ biasOf, ...rows }): Tile => ({
      ...rows,
      bias: biasOf(window),
    })),
  });
}

/** Numbers of slots by head, int32 `[columns, N, heads]`, from tokens' places. */
function slotsOf(places: Value, heads: number): Value {
  const [start, length, place] = [0, 1, 2].map((part) =>
    unsqueeze(gather(places, index(places, part)), [2])
  );
  const before = add(
    mul(start!, heads),
    mul(length!, places.graph.numbers(upTo(heads))),
  );
  return cast(add(before, place!), "int32");
}

/** Rows of q, k and v by head in the slots of a tile. */
function tileRows(
  { queries, keys }: TileSlots,
  { heads, kvHeads }: Pick<DecoderConfig, "heads" | "kvHeads">,
): Omit<Tile, "bias"> {
  const rowOf = (tokens: Value, count: number) => {
    const head = tokens.graph.numbers(upTo(count), [count, 1]);
    return add(mul(unsqueeze(tokens, [1]), count), head);
  };
  const [rows, length] = queries.shape;
  const shape = [rows!, kvHeads, `${heads / kvHeads}·${length}`];
  const queryRow = reshape(rowOf(queries, heads), shape);
  return {
    queries: cast(max(queryRow, 0), "int32"),
    queriesOrNone: cast(max(add(queryRow, 1), 0), "int32"),
    keys: cast(max(rowOf(keys, kvHeads), 0), "int32"),
  };
}

/** Beyond any position. */
const NEVER = 2 ** 23;

/** The bias of a tile for a window, `[R, 1, share · L, U]`. */
function visibility(
  { queries, keys }: TileSlots,
  { positions, share }: { positions: Value; share: number },
): (window: number | null) => Value {
  const positionOf = (tokens: Value) =>
    gather(positions, cast(max(tokens, 0), "int32"));
  const { graph, shape: [rows, length] } = queries;
  const repeated = add(
    unsqueeze(positionOf(queries), [1]),
    graph.numbers(new Array<number>(share).fill(0), [share, 1]),
  );
  const ofQueries = reshape(repeated, [rows!, `${share}·${length}`]);
  const ofKeys = add(positionOf(keys), mul(max(neg(keys), 0), NEVER));
  const distances = sub(unsqueeze(ofQueries, [2]), unsqueeze(ofKeys, [1]));
  const late = max(neg(distances), 0);
  return (window) =>
    hide(window === null ? late : add(late, remoteness(distances, window)));
}

/** 0, 1, … count − 1. */
const upTo = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => i);

function index({ graph }: Value, at: number): Value {
  return graph.constant(Int32Array.of(at), []);
}
