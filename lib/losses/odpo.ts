import { log, max, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { beta } from "./options.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";

/** The least difference of which it takes the logarithm: −69 stands for −∞. */
const LEAST = 1e-30;

/**
 * DPO with an offset, https://arxiv.org/abs/2402.10571: the better a chosen
 * completion is rated than the rejected one, the larger the margin asked for.
 *
 * The defaults, α 1 and the logarithm, are those of the authors' code.
 *
 * Of a pair with equal ratings the logarithm asks nothing, so that it teaches
 * nothing.
 */
export const odpo = pairLoss({
  id: "odpo",
  title: "DPO with an offset",
  mark: { color: "blue", dash: "dashdot", symbol: "cross" },
  formula: "−log σ(β(Δ_w − Δ_l) − α f(s_w − s_l)), " +
    'Δ = log π(y|x) − log π_ref(y|x), s = "rating", f = log "or identity"',
  derivation: [
    "Bradley–Terry says how likely `y_w` is to be preferred; it does not see by how much it is better. With Gumbel noise on rewards, `P(r_w − r_l > δ) = σ(r_w − r_l − δ)`: the preference has to hold with an offset δ to spare.",
    "DPO's reward is `r = βΔ`, so that `−log σ(β(Δ_w − Δ_l) − δ)` is the loss, a softmax margin.",
    "δ rises with the difference of ratings: `δ = α f(s_w − s_l)`. Where it is 0, this is DPO.",
  ],
  source: "ODPO, section 3, https://arxiv.org/abs/2402.10571",
  options: {
    beta,
    alpha: {
      kind: "number",
      symbol: "α",
      default: 1,
      min: 0,
      help: "size of the offset, in units of f of the ratings' difference",
    },
    offset: {
      kind: "choice",
      choices: ["log", "identity"],
      default: "log",
      help: "f: how the offset grows with the ratings' difference",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, alpha, offset }) => {
    const gap = sub(chosen.rating, rejected.rating);
    const delta = mul(alpha, offset === "log" ? log(max(gap, LEAST)) : gap);
    const margin = mul(beta, sub(logRatio(chosen), logRatio(rejected)));
    return {
      loss: negLogSigmoid(sub(margin, delta)),
      metrics: { offset: delta },
    };
  },
});
