import type { Graph, Value } from "../../onnx/graph/graph.ts";
import type { InputTable } from "../../onnx/graph/input_table.ts";
import { sizeAt } from "../../onnx/graph/tensor_type.ts";
import { fillInputs, inputValues } from "../../onnx/inputs.ts";
import type { HostTensor, TensorData } from "../../onnx/tensors.ts";
import {
  add,
  cast,
  exp,
  greater,
  log,
  max,
  min,
  mul,
  not,
  sub,
} from "../../ops/elementwise.ts";
import { pick } from "../../ops/indexing.ts";
import {
  concat,
  largest,
  reshape,
  runningSum,
  slice,
  sum,
  unsqueeze,
} from "../../ops/shaping.ts";
import type { Drawn } from "./sample_token.ts";
import { resolveSampling, type Sampling } from "./warpers.ts";

/** What a draw takes beside the logits. */
export interface Draw {
  /** A number in [0, 1) for each row; not used at temperature 0. */
  readonly uniforms: readonly number[];
  readonly temperature: number;
}

/** Factor of logits that leaves none but the largest a chance. */
const GREEDY = 1e30;
/** Log of a weight that is 0. */
const LEAST = -1e4;
/** Below 1 by some rounding of float32. */
const BELOW_ONE = 1 - 2 ** -22;

const INPUTS = {
  uniforms: {
    shape: ["S"],
    fill: ({ uniforms, temperature }) =>
      uniforms.map((u) => temperature === 0 ? 0 : Math.min(u, BELOW_ONE)),
  },
  /** 1 / temperature */
  sharpness: {
    shape: [],
    // 1 / 0 too; float32 has no infinity to multiply zeros by.
    fill: ({ temperature }) => Math.min(1 / temperature, GREEDY),
  },
} satisfies InputTable<Draw>;

/** Fills the inputs of {@linkcode drawnTokens}. */
export function drawFeeds(draw: Draw): Record<string, HostTensor> {
  return fillInputs(INPUTS, draw);
}

/** Whether tokens can be drawn where their logits are: from all, as they are. */
export function isPlain(sampling: Sampling): boolean {
  const { repetitionPenalty, topK, topP, minP } = resolveSampling(sampling);
  return repetitionPenalty === 1 && topK === 0 && topP === 1 && minP === 0;
}

/**
 * Draws a token by each row of logits (`[S, vocabulary]`): the first one up to
 * which the weights exceed a share of their sum.
 *
 * @returns id, log-probability under the logits, and that with which it was
 * drawn, `[S, 3]`.
 */
export function drawnTokens(graph: Graph, logits: Value): Value {
  const { uniforms, sharpness } = inputValues(graph, INPUTS);
  const below = max(sub(logits, largest(logits)), LEAST);
  const warped = max(mul(below, sharpness), LEAST);
  const { id, total } = drawn(exp(warped), unsqueeze(uniforms, [1]));
  const column = cast(id, "int32");
  const normaliser = log(sum(exp(below), [1], { keepdims: true }));
  return concat([
    id,
    sub(pick(below, column), normaliser),
    sub(pick(warped, column), log(total)),
  ], 1);
}

/**
 * The first column up to which weights (`[S, n]`) exceed a share (`[S, 1]`) of
 * their sum, in two steps: WebGPU's kernel computes each running sum anew, which
 * among √n blocks and in one of them costs as much as a sum over all.
 */
function drawn(weights: Value, share: Value): { id: Value; total: Value } {
  const columns = sizeAt(weights, 1);
  const width = Math.ceil(Math.sqrt(columns));
  const count = Math.ceil(columns / width);
  const blocks = reshape(padded(weights, count * width), ["S", count, width]);
  const ends = runningSum(sum(blocks, [2]));
  const total = slice(ends, { axis: 1, start: count - 1, end: count });
  const mark = mul(share, total);
  const passed = upTo(ends, mark);
  const starts = shifted(ends, 0);
  const isChosen = sub(shifted(passed, 1), passed);
  const chosen = sum(mul(blocks, unsqueeze(isChosen, [2])), [1]);
  const inside = runningSum(chosen);
  const own = slice(inside, { axis: 1, start: width - 1, end: width });
  const before = sum(mul(isChosen, starts), [1], { keepdims: true });
  // Rounding must not lead beyond the last weight of the block.
  const rest = min(sub(mark, before), mul(own, BELOW_ONE));
  const place = sum(upTo(inside, rest), [1], { keepdims: true });
  const block = sum(passed, [1], { keepdims: true });
  return { id: min(add(mul(block, width), place), columns - 1), total };
}

/** 1 where x is at most the mark, else 0. */
const upTo = (x: Value, mark: Value): Value =>
  cast(not(greater(x, mark)), x.dtype);

/** x with a first column of a number, and without its last one. */
function shifted(x: Value, first: number): Value {
  const column = slice(x, { axis: 1, start: 0, end: 1 });
  const filled = add(mul(column, 0), first);
  const columns = sizeAt(x, 1);
  return columns === 1
    ? filled
    : concat([filled, slice(x, { axis: 1, start: 0, end: columns - 1 })], 1);
}

/** x with columns of zeros up to a width. */
function padded(x: Value, width: number): Value {
  const missing = width - sizeAt(x, 1);
  if (missing === 0) return x;
  const some = slice(x, { axis: 1, start: 0, end: missing });
  return concat([x, mul(some, 0)], 1);
}

/**
 * Reads what {@linkcode drawnTokens} gives.
 *
 * @throws RangeError where a row had no usable logits.
 */
export function readDrawn(
  data: TensorData,
  { temperature }: Pick<Draw, "temperature">,
): Drawn[] {
  return Array.from({ length: data.length / 3 }, (_, row) => {
    const [id, logProb, warped] = data.subarray(3 * row) as Float32Array;
    if (Number.isFinite(logProb)) {
      // The first of several that are likeliest is sure to be taken.
      const samplingLogProb = temperature === 0 ? 0 : warped!;
      return { id: id!, logProb: logProb!, samplingLogProb };
    }
    throw new RangeError(
      `Cannot choose a token: row ${row} of the logits is not finite`,
    );
  });
}
