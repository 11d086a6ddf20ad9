import type { Value } from "../onnx/graph/graph.ts";
import { div, exp, min, mul, neg, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { logRatio, negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/** e^80 and its products with options are within float32; e^89 is not. */
const MAX_EXPONENT = 80;

/**
 * DPO with another divergence as its constraint (f-DPO),
 * https://arxiv.org/abs/2309.16240.
 *
 * The forward KL divergence is the α-divergence of α = 1; of α → 0, it is the
 * reverse one. Their powers are cut off at e⁸⁰, as TRL does for α.
 */
export const fDpo = pairLoss({
  id: "f-dpo",
  title: "DPO under other divergences (f-DPO)",
  mark: { color: "blue", dash: "solid", symbol: "triangle-down" },
  formula: "−log σ(β(f′(u_w) − f′(u_l))), u = (π(y|x))/(π_ref(y|x)), " +
    'f′(u) = log u "or" −1/u "or" log(2u/(1+u)) "or" (1 − u^(−α))/α',
  derivation: [
    "Of all π, `E[r] − β D_f(π‖π_ref)` with `D_f = E_ref[f(π/π_ref)]` is largest where `r = β f′(π/π_ref)` + a constant of x, as long as π is nowhere 0.",
    "In Bradley–Terry's `r_w − r_l` the constant cancels, as DPO's `Z(x)` does.",
    "Reverse KL has `f′ = log u` + 1 and is DPO; forward KL `−1/u` and α-divergence `(1 − u^(−α))/α` weigh answers that `π_ref` has and π has lost; Jensen–Shannon `log(2u/(1+u))` rewards no answer by more than `β log 2`.",
  ],
  source: "f-DPO, https://arxiv.org/abs/2309.16240",
  options: {
    beta,
    divergence: {
      kind: "choice",
      choices: ["reverse-kl", "forward-kl", "js", "alpha"],
      default: "js",
      help: "what keeps the policy near π_ref",
      aka: ["f", "f_divergence_type"],
    },
    alpha: {
      kind: "number",
      symbol: "α",
      default: 0.5,
      except: 0,
      help: "the α-divergence: 1 is the forward KL, near 0 the reverse",
      aka: ["f_alpha_divergence_coef", "alpha_divergence_coef"],
    },
  },
  presets: {
    trl: {
      names: ["sigmoid"],
      options: { divergence: "reverse-kl" },
      note:
        "f_divergence_type; its α is 1 − α of the paper since 0.29, its forward KL is not cut off, and since 1.16 its ipo and sigmoid_norm count f′ with its constant and other losses than these, hinge, exo_pair, robust, discopop and sft refuse it",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected }, { beta, ...options }) => {
    const good = score(logRatio(chosen), options);
    const bad = score(logRatio(rejected), options);
    return { loss: negLogSigmoid(mul(beta, sub(good, bad))) };
  },
});

/** f′(u) up to a constant, from log u. */
function score(
  logU: Value,
  { divergence, alpha }: { divergence: string; alpha: Value },
): Value {
  if (divergence === "reverse-kl") return logU;
  // log(u / (1 + u)) is log σ(log u).
  if (divergence === "js") return neg(negLogSigmoid(logU));
  const power = divergence === "forward-kl" ? 1 : alpha;
  const exponent = min(neg(mul(power, logU)), MAX_EXPONENT);
  return neg(div(exp(exponent), power));
}
