import {
  applyAll,
  type Attributes,
  type Op,
  type Type,
  type Value,
} from "../onnx/graph.ts";
import { add, exp, log, mul, neg, sub } from "./elementwise.ts";
import { addAt, gather, pick } from "./indexing.ts";
import { gemm } from "./linalg.ts";
import { logSumExp, softmax } from "./norm.ts";
import { concat, reshape, sum } from "./shaping.ts";
import { capOf, capped } from "./activation.ts";

/**
 * Log-probability of one token at each position,
 * log softmax(h Eᵀ)[y], under a head E that is not trained.
 *
 * h is `[tokens, hidden]`, E `[vocabulary, hidden]`, y `[tokens, 1]`. The work
 * is done in `chunks` equal parts of the tokens, so that logits of all of them
 * never exist at once. The second output is the Jacobian E[y] − softmax(h Eᵀ) E
 * (`[tokens, hidden]`), made while the chunk's softmax is at hand: nothing is
 * stored and nothing computed again for the backward pass.
 *
 * Under a cap c, z = c tanh(h Eᵀ/c) stands for h Eᵀ, and each row of E in the
 * Jacobian has the factor dz/d(h Eᵀ).
 */
const FrozenHead: Op = {
  name: "FrozenHead",
  domain: "prefgrad",
  infer: ([h, , y], attributes) => [
    { dtype: h!.dtype, shape: y!.shape },
    { dtype: h!.dtype, shape: h!.shape },
    ...collisionType(y!, h!, attributes),
  ],
  vjp: ({ outputs: [, jacobian] }, [dy]) => [mul(dy!, jacobian!), null, null],
  lower: ([h, head, y], attributes) =>
    inChunks([h!, y!], attributes, ([h, y]) => {
      const { value: z, slope, through } = logitsOf(h!, head!, attributes);
      const p = softmax(z);
      const target = gather(head!, reshape(y!, [y!.shape[0]!]));
      return [
        sub(pick(z, y!), logSumExp(z, p)),
        sub(
          slope ? mul(target, pick(slope, y!)) : target,
          gemm(through(p), head!),
        ),
        ...collisionOf(p, attributes),
      ];
    }),
};

/**
 * The same under a head that is trained. The second output is the log of the
 * normaliser, from which the backward pass computes each chunk's softmax again.
 */
const TrainedHead: Op = {
  name: "TrainedHead",
  domain: "prefgrad",
  infer: ([h, , y], attributes) => [
    { dtype: h!.dtype, shape: y!.shape },
    { dtype: h!.dtype, shape: y!.shape },
    ...collisionType(y!, h!, attributes),
  ],
  vjp: ({ inputs, outputs: [, normaliser], attributes }, [dy]) => [
    ...applyAll(HeadGradient, [...inputs, normaliser!, dy!], attributes),
    null,
  ],
  lower: ([h, head, y], attributes) =>
    inChunks([h!, y!], attributes, ([h, y]) => {
      const { value: z } = logitsOf(h!, head!, attributes);
      const p = softmax(z);
      const normaliser = logSumExp(z, p);
      return [
        sub(pick(z, y!), normaliser),
        normaliser,
        ...collisionOf(p, attributes),
      ];
    }),
};

/** Gradients of `TrainedHead` with respect to h and E. */
const HeadGradient: Op = {
  name: "HeadGradient",
  domain: "prefgrad",
  infer: ([h, head]) => [h!, head!],
  lower: ([h, head, y, normaliser, dy], attributes) => {
    const heads: Value[] = [];
    const [dh] = inChunks(
      [h!, y!, normaliser!, dy!],
      attributes,
      ([h, y, normaliser, dy]) => {
        const { value: z, through } = logitsOf(h!, head!, attributes);
        const p = exp(sub(z, normaliser!));
        const dz = through(addAt(mul(p, neg(dy!)), y!, dy!));
        heads.push(gemm(dz, h!, { transA: true }));
        return [gemm(dz, head!)];
      },
    );
    return [dh!, heads.reduce(add)];
  },
};

function logitsOf(h: Value, head: Value, attributes: Attributes) {
  return capped(gemm(h, head, { transB: true }), capOf(attributes));
}

/** log Σ p² over the vocabulary, a third output where it is asked for. */
function collisionOf(p: Value, { collisions }: Attributes): Value[] {
  return collisions ? [log(sum(mul(p, p), [1], { keepdims: true }))] : [];
}

function collisionType(
  { shape }: Value,
  { dtype }: Value,
  { collisions }: Attributes,
): Type[] {
  return collisions ? [{ dtype, shape }] : [];
}

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

/** Of a token at each position, `[tokens, 1]` each. */
export interface TokenScores {
  /** log softmax(h Eᵀ)[y]. */
  readonly logProb: Value;
  /** log Σ_v softmax(h Eᵀ)[v]², without a gradient; if it was asked for. */
  readonly collision: Value | undefined;
}

export function tokenScores(
  [h, head, y]: readonly [h: Value, head: Value, y: Value],
  { trained, chunks, collisions = false, cap = null }: HeadOptions,
): TokenScores {
  const op = trained ? TrainedHead : FrozenHead;
  const attributes = {
    chunks,
    collisions: Number(collisions),
    ...cap !== null && { cap: { float: cap } },
  };
  const [logProb, , collision] = applyAll(op, [h, head, y], attributes);
  return { logProb: logProb!, collision };
}

/** Applies `part` to equal parts of matrices with as many rows, and joins. */
function inChunks(
  values: readonly Value[],
  attributes: Attributes,
  part: (values: readonly Value[]) => readonly Value[],
): readonly Value[] {
  const chunks = attributes["chunks"] as number;
  if (chunks === 1) return part(values);
  const stacked = values.map((value) => {
    const [rows, columns] = value.shape;
    return reshape(value, [chunks, `${rows}/${chunks}`, columns!]);
  });
  const results = Array.from({ length: chunks }, (_, i) => {
    const at = values[0]!.graph.constant(Int32Array.of(i), []);
    return part(stacked.map((value) => gather(value, at)));
  });
  return results[0]!.map((_, output) =>
    concat(results.map((result) => result[output]!), 0)
  );
}
