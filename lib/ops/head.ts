import { applyAll } from "../onnx/graph/apply.ts";
import type { Graph, Op, Value } from "../onnx/graph/graph.ts";
import {
  dimAt,
  sameType,
  type Shape,
  type Type,
} from "../onnx/graph/tensor_type.ts";
import { type Capped, capped } from "./activation.ts";
import { accumulate, exp, log, mul, neg, sub } from "./elementwise.ts";
import { addAt, gather, pick } from "./indexing.ts";
import { gemm } from "./linalg.ts";
import { logSumExp, softmax } from "./norm.ts";
import { concat, reshape, slice, sum } from "./shaping.ts";

type Inputs = readonly [h: Value, head: Value, y: Value];
type HeadAttributes = {
  chunks: number;
  collisions: boolean;
  cap: number | null;
};
/** `saved` is for the backward pass; a collision is there if asked for. */
type Outputs = readonly [logProb: Value, saved: Value, ...collision: Value[]];

/**
 * The head E is not trained. The second output is the Jacobian
 * E[y] − softmax(h Eᵀ) E (`[tokens, hidden]`), made while the chunk's softmax is
 * at hand: nothing is stored and nothing computed again for the backward pass.
 * Under a cap each row of E in it has the factor dz/d(h Eᵀ).
 */
const FrozenHead: Op<Inputs, HeadAttributes, Outputs> = {
  name: "FrozenHead",
  domain: "prefgrad",
  infer: (inputs, attributes) => typesOf(inputs, inputs[0].shape, attributes),
  vjp: ({ outputs: [, jacobian] }, [dy]) => [mul(dy, jacobian), null, null],
  lower: (inputs, attributes) =>
    lowerHead(inputs, attributes, ({ y, z, slope, through, p }) => {
      const target = gather(inputs[1], reshape(y, [dimAt(y, 0)]));
      return [
        sub(pick(z, y), logSumExp(z, p)),
        sub(
          slope ? mul(target, pick(slope, y)) : target,
          gemm(through(p), inputs[1]),
        ),
      ];
    }),
};

/**
 * The head E is trained. The second output is the log of the normaliser, from
 * which the backward pass computes each chunk's softmax again.
 */
const TrainedHead: Op<Inputs, HeadAttributes, Outputs> = {
  name: "TrainedHead",
  domain: "prefgrad",
  infer: (inputs, attributes) => typesOf(inputs, inputs[2].shape, attributes),
  vjp: ({ inputs, outputs: [, normaliser], attributes }, [dy]) => [
    ...applyAll(HeadGradient, [...inputs, normaliser, dy], attributes),
    null,
  ],
  lower: (inputs, attributes) =>
    lowerHead(inputs, attributes, ({ y, z, p }) => {
      const normaliser = logSumExp(z, p);
      return [sub(pick(z, y), normaliser), normaliser];
    }),
};

/** Gradients of `TrainedHead` with respect to h and E. */
const HeadGradient: Op<
  readonly [...Inputs, normaliser: Value, dy: Value],
  HeadAttributes,
  readonly [dh: Value, dHead: Value]
> = {
  name: "HeadGradient",
  domain: "prefgrad",
  infer: ([h, head]) => [...sameType([h]), ...sameType([head])],
  lower: ([h, head, y, normaliser, dy], { chunks, cap }) => {
    const [hs, ys] = [stack(h, chunks), stack(y, chunks)];
    const [normalisers, dys] = [stack(normaliser, chunks), stack(dy, chunks)];
    let before: { dh: Value; dHead: Value } | null = null;
    const parts = inChunks(h.graph, chunks, (take) => {
      const [h, y, normaliser] = [take(hs), take(ys), take(normalisers)];
      // Begins once the chunk before it is through and its logits are freed.
      const dy: Value = before
        ? joined([take(dys), empty(before.dh)])
        : take(dys);
      const { value: z, through } = logitsOf(h, head, cap);
      const p = exp(sub(z, normaliser));
      const dz = through(addAt(mul(p, neg(dy)), y, dy));
      const own = gemm(dz, h, { transA: true });
      const dHead: Value = before ? accumulate(before.dHead, own) : own;
      const dh = gemm(dz, head);
      before = { dh: chunks > 1 ? joined([dh, noRows(dHead)]) : dh, dHead };
      return before;
    });
    return [joined(parts.map(({ dh }) => dh)), parts.at(-1)!.dHead];
  },
};

/** Options of {@linkcode tokenLogProbs}. */
export interface HeadOptions {
  /** Whether the head is trained. */
  trained: boolean;
  /** Equal parts of the tokens; the number of tokens must be a multiple. */
  chunks: number;
  /** Whether to say how concentrated the distributions are. @default false */
  collisions?: boolean;
  /** Bound of the logits, `null` for none. @default null */
  cap?: number | null;
}

/** Outputs of a head for one token at each position, `[tokens, 1]` each. */
export interface TokenLogProbs {
  /** log softmax(h Eᵀ)[y]. */
  readonly logProb: Value;
  /** log Σ_v softmax(h Eᵀ)[v]², without a gradient, if it was asked for. */
  readonly collision: Value | undefined;
}

/**
 * Log-probability of one token at each position, log softmax(h Eᵀ)[y].
 *
 * h is `[tokens, hidden]`, the head E `[vocabulary, hidden]`, y `[tokens, 1]`. The
 * work is done in `chunks` equal parts of the tokens, so that logits of all of
 * them never exist at once. Under a cap c, c tanh(h Eᵀ/c) stands for h Eᵀ.
 */
export function tokenLogProbs(
  operands: Inputs,
  { trained, chunks, collisions = false, cap = null }: HeadOptions,
): TokenLogProbs {
  const op = trained ? TrainedHead : FrozenHead;
  const attributes = { chunks, collisions, cap };
  const [logProb, , collision] = applyAll(op, operands, attributes);
  return { logProb, collision };
}

function typesOf(
  [{ dtype }, , { shape }]: Inputs,
  saved: Shape,
  { collisions }: HeadAttributes,
): readonly [Type, Type, ...Type[]] {
  const each = { dtype, shape };
  return [each, { dtype, shape: saved }, ...collisions ? [each] : []];
}

/** One chunk's logits z, how they depend on h Eᵀ, and their softmax p. */
interface Chunk extends Omit<Capped, "value"> {
  readonly y: Value;
  readonly z: Value;
  readonly p: Value;
}

function lowerHead(
  [h, head, y]: Inputs,
  { chunks, collisions, cap }: HeadAttributes,
  outputsOf: (chunk: Chunk) => readonly [logProb: Value, saved: Value],
): Outputs {
  const [hs, ys] = [stack(h, chunks), stack(y, chunks)];
  const parts = inChunks(h.graph, chunks, (take) => {
    const [h, y] = [take(hs), take(ys)];
    const { value: z, ...logits } = logitsOf(h, head, cap);
    const p = softmax(z);
    const [logProb, saved] = outputsOf({ y, z, ...logits, p });
    const others = [saved, ...collisions ? [collisionOf(p)] : []];
    // A chunk's outputs are computed one after another and its logits freed:
    // what joins the first of them reads an empty part of the others.
    return { first: [logProb, ...chunks > 1 ? others.map(empty) : []], others };
  });
  const join = (i: number) => joined(parts.flatMap((p) => p.others[i] ?? []));
  return [
    joined(parts.flatMap(({ first }) => first)),
    join(0),
    ...collisions ? [join(1)] : [],
  ];
}

function logitsOf(h: Value, head: Value, cap: number | null): Capped {
  return capped(gemm(h, head, { transB: true }), cap);
}

/** log Σ p² over the vocabulary. */
function collisionOf(p: Value): Value {
  return log(sum(mul(p, p), [1], { keepdims: true }));
}

/** A matrix as `[chunks, rows / chunks, columns]`, itself for one chunk. */
function stack(x: Value, chunks: number): Value {
  if (chunks === 1) return x;
  const rows = `${dimAt(x, 0)}/${chunks}`;
  return reshape(x, [chunks, rows, dimAt(x, 1)]);
}

/** Calls `part` for each chunk, with how to take its part of a stack. */
function inChunks<T>(
  graph: Graph,
  chunks: number,
  part: (take: (stack: Value) => Value) => T,
): T[] {
  if (chunks === 1) return [part((x) => x)];
  return Array.from({ length: chunks }, (_, i) => {
    const at = graph.constant(Int32Array.of(i), []);
    return part((stack) => gather(stack, at));
  });
}

/** No rows of a matrix's first column, `[0, 1]`. */
function empty(x: Value): Value {
  return slice(noRows(x), { axis: 1, start: 0, end: 1 });
}

/** No rows of a matrix, `[0, columns]`: whoever reads them waits for it. */
function noRows(x: Value): Value {
  return slice(x, { axis: 0, start: 0, end: 0 });
}

function joined(parts: readonly Value[]): Value {
  const [only, ...others] = parts;
  return only && others.length === 0 ? only : concat(parts, 0);
}
