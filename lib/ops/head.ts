import {
  applyAll,
  type Attributes,
  type Op,
  type Value,
} from "../onnx/graph.ts";
import { add, exp, mul, neg, sub } from "./elementwise.ts";
import { addAt, gather, pick } from "./indexing.ts";
import { gemm } from "./linalg.ts";
import { logSumExp, softmax } from "./norm.ts";
import { concat, reshape } from "./shaping.ts";

/**
 * Log-probability of one token at each position,
 * log softmax(h Eᵀ)[y], under a head E that is not trained.
 *
 * h is `[tokens, hidden]`, E `[vocabulary, hidden]`, y `[tokens, 1]`. The work
 * is done in `chunks` equal parts of the tokens, so that logits of all of them
 * never exist at once. The second output is the Jacobian E[y] − softmax(h Eᵀ) E
 * (`[tokens, hidden]`), made while the chunk's softmax is at hand: nothing is
 * stored and nothing computed again for the backward pass.
 */
export const FrozenHead: Op = {
  name: "FrozenHead",
  domain: "prefgrad",
  infer: ([h, , y]) => [
    { dtype: h!.dtype, shape: y!.shape },
    { dtype: h!.dtype, shape: h!.shape },
  ],
  vjp: ({ outputs: [, jacobian] }, [dy]) => [mul(dy!, jacobian!), null, null],
  lower: ([h, head, y], attributes) =>
    inChunks([h!, y!], attributes, ([h, y]) => {
      const z = gemm(h!, head!, { transB: true });
      const p = softmax(z);
      const target = gather(head!, reshape(y!, [y!.shape[0]!]));
      return [
        sub(pick(z, y!), logSumExp(z, p)),
        sub(target, gemm(p, head!)),
      ];
    }),
};

/**
 * The same under a head that is trained. The second output is the log of the
 * normaliser, from which the backward pass computes each chunk's softmax again.
 */
export const TrainedHead: Op = {
  name: "TrainedHead",
  domain: "prefgrad",
  infer: ([h, , y]) => [
    { dtype: h!.dtype, shape: y!.shape },
    { dtype: h!.dtype, shape: y!.shape },
  ],
  vjp: ({ inputs, outputs: [, normaliser], attributes }, [dy]) => [
    ...applyAll(HeadGradient, [...inputs, normaliser!, dy!], attributes),
    null,
  ],
  lower: ([h, head, y], attributes) =>
    inChunks([h!, y!], attributes, ([h, y]) => {
      const z = gemm(h!, head!, { transB: true });
      const normaliser = logSumExp(z, softmax(z));
      return [sub(pick(z, y!), normaliser), normaliser];
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
        const z = gemm(h!, head!, { transB: true });
        const p = exp(sub(z, normaliser!));
        const dz = addAt(mul(p, neg(dy!)), y!, dy!);
        heads.push(gemm(dz, h!, { transA: true }));
        return [gemm(dz, head!)];
      },
    );
    return [dh!, heads.reduce(add)];
  },
};

export interface HeadOptions {
  /** Whether the head is trained. */
  trained: boolean;
  /** Equal parts of the tokens; the number of tokens must be a multiple. */
  chunks: number;
}

/** log softmax(h Eᵀ)[y], `[tokens, 1]`. */
export function tokenLogProbs(
  [h, head, y]: readonly [h: Value, head: Value, y: Value],
  { trained, chunks }: HeadOptions,
): Value {
  const op = trained ? TrainedHead : FrozenHead;
  return applyAll(op, [h, head, y], { chunks })[0]!;
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
