import type { Graph, Value } from "../onnx/graph.ts";
import { swiGlu } from "../ops/activation.ts";
import { add, cos, max, min, mul, sin, sub } from "../ops/elementwise.ts";
import {
  gather,
  type RowLayout,
  segmentSum,
  toRows,
  toStream,
} from "../ops/indexing.ts";
import { gemm, matmul } from "../ops/linalg.ts";
import { rmsNorm, softmax } from "../ops/norm.ts";
import { rotate } from "../ops/rope.ts";
import { reshape, transpose, unsqueeze } from "../ops/shaping.ts";
import { tokenLogProbs } from "../ops/head.ts";
import { type DecoderConfig, inverseFrequencies } from "./config.ts";

/** Where a decoder's parameters come from. */
export interface Parameters {
  /** The parameter of a Hugging Face name. */
  value(name: string): Value;
  /** x Wᵀ under the weight of that name, with its adapter if it has one. */
  linear(x: Value, name: string): Value;
  /** Whether a parameter is trained. */
  isTrained(name: string): boolean;
}

/** The inputs of a graph that a tree batch feeds, by the names of its arrays. */
export function streamInputs(graph: Graph) {
  const int = (name: string, shape: string[]) =>
    graph.input(name, shape, "int32");
  return {
    ids: int("ids", ["N"]),
    positions: graph.input("positions", ["N"]),
    slots: int("slots", ["R", "T"]),
    places: int("places", ["N"]),
    live: graph.input("live", ["R", "T"]),
    segments: graph.input("segments", ["R", "T"]),
    order: graph.input("order", ["T"]),
    sources: int("sources", ["S"]),
    targets: graph.input("targets", ["S", 1], "int32"),
    sequences: int("sequences", ["S"]),
    zeros: graph.input("zeros", ["Q"]),
  };
}
export type StreamInputs = ReturnType<typeof streamInputs>;

/**
 * Hidden states of a stream of tokens after the final norm, `[N, hidden]`.
 *
 * Everything but attention works on the flat stream; attention gathers it into
 * rows, where a key is visible if it is not later than the query and stands in
 * the prompt or in the query's own continuation.
 */
export function hiddenStates(
  config: DecoderConfig,
  parameters: Parameters,
  inputs: StreamInputs,
): Value {
  const { normEpsilon, layers } = config;
  const norm = (x: Value, name: string) =>
    rmsNorm(x, parameters.value(`${name}.weight`), normEpsilon);
  const attend = attention(config, inputs);
  let x = gather(parameters.value("model.embed_tokens.weight"), inputs.ids);
  for (let i = 0; i < layers; i++) {
    const layer = `model.layers.${i}`;
    const linear = (x: Value, name: string) =>
      parameters.linear(x, `${layer}.${name}.weight`);
    const h = norm(x, `${layer}.input_layernorm`);
    const [q, k, v] = ["q", "k", "v"].map((part) =>
      linear(h, `self_attn.${part}_proj`)
    );
    x = add(x, linear(attend(q!, k!, v!), "self_attn.o_proj"));
    const g = norm(x, `${layer}.post_attention_layernorm`);
    const gated = swiGlu(linear(g, "mlp.gate_proj"), linear(g, "mlp.up_proj"));
    x = add(x, linear(gated, "mlp.down_proj"));
  }
  return norm(x, "model.norm");
}

/** log π of each sequence of a tree batch, summed over its tokens, `[Q]`. */
export function sequenceLogProbs(
  config: DecoderConfig,
  parameters: Parameters,
  inputs: StreamInputs,
  { chunks }: { chunks: number },
): Value {
  const { sources, targets, sequences, zeros } = inputs;
  const scored = gather(hiddenStates(config, parameters, inputs), sources);
  const head = headName(config);
  const logProbs = tokenLogProbs(
    [scored, parameters.value(head), targets],
    { trained: parameters.isTrained(head), chunks },
  );
  return segmentSum(reshape(logProbs, ["S"]), sequences, zeros);
}

/** Logits of the tokens that follow each of `sources`, `[S, vocabulary]`. */
export function nextLogits(
  config: DecoderConfig,
  parameters: Parameters,
  inputs: StreamInputs,
): Value {
  const states = hiddenStates(config, parameters, inputs);
  const head = parameters.value(headName(config));
  return gemm(gather(states, inputs.sources), head, { transB: true });
}

/** The parameter that is the head. */
export function headName({ tiedHead }: DecoderConfig): string {
  return tiedHead ? "model.embed_tokens.weight" : "lm_head.weight";
}

function attention(
  config: DecoderConfig,
  inputs: StreamInputs,
): (q: Value, k: Value, v: Value) => Value {
  const { heads, kvHeads, headDim } = config;
  const angles = rotaryAngles(config, inputs.positions);
  const bias = visibility(inputs);
  const split = (x: Value, count: number) => reshape(x, ["N", count, headDim]);
  const rotated = (x: Value, count: number) =>
    rotate(split(x, count), angles.cos, angles.sin);
  return (q, k, v) => {
    const output = attendRows({
      q: inRows(rotated(q, heads), inputs),
      k: inRows(rotated(k, kvHeads), inputs),
      v: inRows(split(v, kvHeads), inputs),
      bias,
    }, config);
    const rows = transpose(output, [0, 2, 1, 3]);
    return reshape(toStream(rows, inputs), ["N", heads * headDim]);
  };
}

/** `[N, heads, size]` → `[R, heads, T, size]` */
function inRows(x: Value, layout: RowLayout): Value {
  return transpose(toRows(x, layout), [0, 2, 1, 3]);
}

/**
 * softmax(q kᵀ / √size + bias) v, where each key and value head serves the
 * query heads of one group. https://arxiv.org/abs/2305.13245
 *
 * q is `[R, heads, T, size]`, k and v are `[R, kvHeads, U, size]`, and bias is
 * `[R, 1, T, U]`.
 */
export function attendRows(
  { q, k, v, bias }: Record<"q" | "k" | "v" | "bias", Value>,
  { heads, kvHeads, headDim }: DecoderConfig,
): Value {
  const [rows, , queries] = q.shape;
  const keys = k.shape[2]!;
  // The queries of one group, one after another.
  const grouped = `${heads / kvHeads}·${queries}`;
  const group = (x: Value, last: number | string) =>
    reshape(x, [rows!, kvHeads, grouped, last]);
  const ungroup = (x: Value, last: number | string) =>
    reshape(x, [rows!, heads, queries!, last]);
  const scores = matmul(group(q, headDim), k, {
    transB: true,
    alpha: 1 / Math.sqrt(headDim),
  });
  const weights = softmax(add(ungroup(scores, keys), bias));
  return ungroup(matmul(group(weights, keys), v), headDim);
}

/** cos and sin of position × frequency, `[N, 1, headDim / 2]`. */
export function rotaryAngles(
  config: DecoderConfig,
  positions: Value,
): { cos: Value; sin: Value } {
  const { graph } = positions;
  const list = inverseFrequencies(config);
  const data = graph.float === "float64"
    ? Float64Array.from(list)
    : Float32Array.from(list);
  const frequencies = graph.constant(data, [1, 1, list.length]);
  const angles = mul(unsqueeze(positions, [1, 2]), frequencies);
  return { cos: cos(angles), sin: sin(angles) };
}

/** Far below any score, so that softmax gives exactly 0. */
export const HIDDEN = -1e9;

/**
 * 0 where a key is visible to a query and −10⁹ where not, `[R, 1, T, T]`, by
 * arithmetic only: providers differ in what they have for booleans. A key is
 * of the prompt (segment 0) or the query's segment exactly where
 * key · (key − query) is 0.
 */
function visibility({ segments, order }: StreamInputs): Value {
  const key = unsqueeze(segments, [1]);
  const foreign = mul(key, sub(key, unsqueeze(segments, [2])));
  const later = max(sub(unsqueeze(order, [0]), unsqueeze(order, [1])), 0);
  const hidden = min(add(mul(foreign, foreign), later), 1);
  return mul(unsqueeze(hidden, [1]), HIDDEN);
}
