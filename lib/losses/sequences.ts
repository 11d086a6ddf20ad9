import type { Value } from "../onnx/graph.ts";
import { div, neg, sub } from "../ops/elementwise.ts";
import { softplus } from "../ops/logistic.ts";
import type { Sequences } from "./loss.ts";

/** −log σ(x), as softplus(−x), which neither overflows nor loses digits. */
export const negLogSigmoid = (x: Value): Value => softplus(neg(x));

/** log π_θ(y|x) − log π_ref(y|x), in nats. */
export const logRatio = ({ logProb, refLogProb }: Sequences): Value =>
  sub(logProb, refLogProb);

/** Mean log-probability of a token, in nats. */
export const perToken = (
  { logProb, length }: Pick<Sequences, "logProb" | "length">,
): Value => div(logProb, length);
