import type { Value } from "../../onnx/graph/graph.ts";
import { attendRows } from "../../ops/attention.ts";
import { max, min, mul, sub } from "../../ops/elementwise.ts";
import { rotate } from "../../ops/rope.ts";
import { reshape, unsqueeze } from "../../ops/shaping.ts";
import {
  type Architecture,
  architectureOf,
  attentionLayers,
  type DecoderConfig,
  type RopeConfig,
} from "../config.ts";
import { type BlockParameters, QK_NORMS } from "./layers.ts";
import { type Angles, rotaryAngles } from "./rotary.ts";

/** Queries, keys and values of a stream, by head: `[N, heads, size]` each. */
export type Heads = Readonly<Record<"q" | "k" | "v", Value>>;

/** A stream of tokens, and the attention between them. */
export interface Stream {
  /** Token ids, int32 `[N]`. */
  readonly ids: Value;
  /** Positions in their texts, `[N]`. */
  readonly positions: Value;
  /**
   * Attention in one layer, `[N, heads, size]`, from rotated queries and keys.
   */
  attend(heads: Heads, layer: number): Value;
}

/**
 * Attends in one layer, from projected queries, keys and values, by head or
 * not, to `[N, heads · size]`.
 */
export type Attention = (
  heads: Heads,
  layer: number,
  block: BlockParameters,
) => Value;

/** Attends over a stream: norms of queries and keys, rotation, heads. */
export function streamAttention(
  architecture: Architecture,
  stream: Stream,
): Attention {
  const { names, heads, kvHeads, headDim } = architecture;
  const [tokens] = stream.positions.shape;
  const angles = layerAngles(architecture, stream.positions);
  const byHead = (count: number) => (x: Value) =>
    reshape(x, [tokens!, count, headDim]);
  const variant = QK_NORMS[architecture.qkNorm];
  return ({ q, k, v }, layer, block) => {
    const turn = angles[layer];
    const ready = (x: Value, count: number, module: string) => {
      const options = { module, count, byHead: byHead(count), block };
      const unit = variant.apply(x, { ...options, architecture });
      return turn ? rotate(unit, turn.cos, turn.sin) : unit;
    };
    const output = stream.attend({
      q: ready(q, heads, names.queryNorm),
      k: ready(k, kvHeads, names.keyNorm),
      v: byHead(kvHeads)(v),
    }, layer);
    return reshape(output, [tokens!, heads * headDim]);
  };
}

/** Rotary angles of each layer, computed once for equal settings. */
function layerAngles(
  architecture: Architecture,
  positions: Value,
): (Angles | null)[] {
  const { headDim } = architecture;
  const known = new Map<string, Angles>();
  const anglesOf = (rope: RopeConfig) => {
    const key = JSON.stringify(rope);
    const angles = known.get(key) ?? rotaryAngles({ headDim, rope }, positions);
    known.set(key, angles);
    return angles;
  };
  return attentionLayers(architecture).map(({ rope }) =>
    rope && anglesOf(rope)
  );
}

/** Attends in rows, in each layer: q, k and v are `[R, heads, T, size]`. */
export type RowsAttention = (
  operands: readonly [q: Value, k: Value, v: Value],
  layer: number,
) => Value;

/**
 * Attends in rows, with each layer's window and the model's scale and cap.
 *
 * @param biasOf gives the bias that hides keys farther away than a window, or
 * no key for its distance if the window is `null`. It is called once a window.
 */
export function rowsAttention(
  config: DecoderConfig,
  biasOf: (window: number | null) => Value,
): RowsAttention {
  const { attentionScale: scale, attentionCap: cap } = architectureOf(config);
  const windows = attentionLayers(config).map(({ window }) => window);
  const biases = new Map(
    [...new Set(windows)].map((window) => [window, biasOf(window)]),
  );
  return (operands, layer) =>
    attendRows([...operands, biases.get(windows[layer]!)!], { scale, cap });
}

/** Far below any score, so that softmax gives exactly 0. */
const HIDDEN = -1e9;

/** How many slots keys come after queries, 0 if not after, `[T, U]`. */
export function lateness(queries: Value, keys: Value): Value {
  return max(sub(unsqueeze(keys, [0]), unsqueeze(queries, [1])), 0);
}

/** How far distances exceed those in a window, 0 if they do not. */
export function remoteness(distances: Value, window: number): Value {
  return max(sub(distances, window - 1), 0);
}

/** Attention's bias, `[R, 1, T, U]`: x of 0 leaves a key visible, x ≥ 1 hides it. */
export function hide(x: Value): Value {
  return mul(unsqueeze(min(x, 1), [1]), HIDDEN);
}
