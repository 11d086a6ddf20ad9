import type { Value } from "../onnx/graph/graph.ts";
import { add, div, max, mul, neg, sub } from "../ops/elementwise.ts";
import { softplus } from "../ops/special.ts";
import type { Sequences } from "./batch.ts";

/** −log σ(x), as softplus(−x), which neither overflows nor loses digits. */
export const negLogSigmoid = (x: Value): Value => softplus(neg(x));

/** log π_θ(y|x) − log π_ref(y|x), in nats. */
export const logRatio = (
  { logProb, refLogProb }: Pick<Sequences, "logProb" | "refLogProb">,
): Value => sub(logProb, refLogProb);

/** Mean log-probability of a token, in nats; 0 of an empty completion. */
export const perToken = (
  { logProb, length }: Pick<Sequences, "logProb" | "length">,
): Value => div(logProb, max(length, 1));

/** log π_θ/π_ref of a token, on average, in nats. */
export const meanLogRatio = (sequences: Sequences): Value =>
  perToken({ logProb: logRatio(sequences), length: sequences.length });

/** 1 for a desirable completion, −1 for an undesirable one. */
export const signOf = (desirable: Value): Value => sub(mul(2, desirable), 1);

/** λ_D for a desirable completion, λ_U for an undesirable one. */
export const weightOf = (
  desirable: Value,
  { desirableWeight, undesirableWeight }: Record<
    "desirableWeight" | "undesirableWeight",
    Value
  >,
): Value =>
  add(
    undesirableWeight,
    mul(desirable, sub(desirableWeight, undesirableWeight)),
  );

/**
 * −(1−ε) log σ(z) − ε log σ(−z): the logistic loss of labels that are flipped
 * with probability ε, as cDPO has it.
 */
export const smoothed = (z: Value, epsilon: Value): Value =>
  add(
    mul(sub(1, epsilon), negLogSigmoid(z)),
    mul(epsilon, negLogSigmoid(neg(z))),
  );
