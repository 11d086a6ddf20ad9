import { cast, greater, min, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { beta } from "./options.ts";
import type { Sequences } from "./batch.ts";
import { negLogSigmoid } from "./sequences.ts";

/**
 * SamPO, https://arxiv.org/abs/2406.10957: DPO on as many tokens of the longer
 * completion as the shorter one has, drawn by chance.
 *
 * Each step draws anew; a pair's tokens depend on its ids and on the number of
 * the step. Evaluations always draw the same ones.
 */
export const sampo = pairLoss({
  id: "sampo",
  title: "DPO on sampled tokens (SamPO)",
  mark: { color: "blue", dash: "dashdot", symbol: "star" },
  formula: "−log σ(β(Δ_w − Δ_l)), " +
    "Δ = sum_(t in S) log (π(y_t))/(π_ref(y_t)), " +
    'S = min(n_w, n_l) "random tokens of" y',
  derivation: [
    "`log(π/π_ref)` of a completion is a sum over its tokens. Of two completions that differ in length alone, the longer one has the larger sum in size, and DPO's reward follows the length.",
    "With as many tokens on both sides, `m = min(n_w, n_l)`, the length does not show. Which of the longer one's tokens count is drawn uniformly, without repeats.",
    "The shorter completion keeps all its tokens; at equal lengths this is DPO.",
  ],
  source: "SamPO, https://arxiv.org/abs/2406.10957",
  options: { beta },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, tokens }, { beta }) => {
    const { order } = tokens;
    const kept = tokens.spread(min(chosen.length, rejected.length));
    const isKept = cast(greater(kept, order), order.dtype);
    const sampled = ({ sum }: Sequences) =>
      sum(mul(isKept, sub(tokens.logProb, tokens.refLogProb)));
    const margin = sub(sampled(chosen), sampled(rejected));
    return { loss: negLogSigmoid(mul(beta, margin)) };
  },
});
