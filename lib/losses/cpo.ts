import type { Value } from "../onnx/graph/graph.ts";
import { div, max, mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { nllOptions, withNll } from "./nll.ts";
import { perToken, smoothed } from "./sequences.ts";
import { beta, labelSmoothing } from "./options.ts";

/**
 * Contrastive Preference Optimization, https://arxiv.org/abs/2401.08417: DPO
 * under a uniform reference, which needs no second model, held by the
 * likelihood of y_w.
 *
 * Its other forms are those of TRL: the hinge, and IPO, which averages over
 * tokens.
 */
export const cpo = pairLoss({
  id: "cpo",
  title: "Contrastive Preference Optimization",
  mark: { color: "orange", dash: "dot", symbol: "cross" },
  formula: "−(1−ε) log σ(z) − ε log σ(−z) + λ_NLL NLL(y_w), " +
    "z = β(log π(y_w|x) − log π(y_l|x))",
  derivation: [
    "Were `π_ref` the ideal policy, DPO's loss would be, up to a constant, at most the one under a uniform `π_ref`: that one is minimised. Being uniform, `π_ref` cancels in `Δ_w − Δ_l`, and one model is enough.",
    "The KL constraint to `π_ref` becomes one to the data's preferred completions: behaviour cloning, `−log π(y_w|x)`.",
    'Hinge: `max(0, 1 − z)`. IPO: `(a_w − a_l − 1/(2β))^2`, `a = "mean token" log π(y|x)`.',
  ],
  source: "CPO, eq. 3, https://arxiv.org/abs/2401.08417",
  options: {
    beta: { ...beta, help: "scale of the log-probabilities' difference" },
    labelSmoothing: {
      ...labelSmoothing,
      help: "assumed share of flipped labels, in the form sigmoid",
    },
    form: {
      kind: "choice",
      choices: ["sigmoid", "hinge", "ipo"],
      default: "sigmoid",
      help: "how the contrast is penalised",
    },
    ...nllOptions({ weight: 1, reduction: "token" }),
  },
  presets: {
    trl: {
      names: ["sigmoid", "hinge", "ipo"],
      alone: true,
      options: {},
      note: "the NLL's tokens are averaged over the micro-batch",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: (batch, { beta, labelSmoothing, form, ...options }) => {
    const { chosen, rejected } = batch;
    const contrast = (): Value => {
      if (form === "ipo") {
        const margin = sub(perToken(chosen), perToken(rejected));
        const excess = sub(margin, div(0.5, beta));
        return mul(excess, excess);
      }
      const z = mul(beta, sub(chosen.logProb, rejected.logProb));
      return form === "hinge" ? max(sub(1, z), 0) : smoothed(z, labelSmoothing);
    };
    return withNll(contrast(), batch, options);
  },
});
