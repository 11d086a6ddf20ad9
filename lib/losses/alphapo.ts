import type { Value } from "../onnx/graph/graph.ts";
import { div, exp, min, mul, neg, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { nllOptions, withNll } from "./nll.ts";
import { negLogSigmoid, perToken } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * AlphaPO, https://arxiv.org/abs/2501.03884: SimPO with a reward of another
 * shape. The defaults are the paper's for Mistral-Instruct (table 3).
 */
export const alphapo = pairLoss({
  id: "alphapo",
  title: "AlphaPO: SimPO with a shaped reward",
  mark: { color: "orange", dash: "dash", symbol: "diamond" },
  formula: "−log σ(β(r_w − r_l) − γ) + λ_NLL NLL(y_w), " +
    'r = (1 − p^(−α))/α, log p = "mean token" log π(y|x)',
  derivation: [
    "DPO's reward is a logarithm because its constraint is a KL divergence; an α-divergence gives a power. Without reference and by token, `r = (1 − p^(−α))/α`.",
    "As α goes to 0, r goes to `log p`, the reward of SimPO.",
    "Its slope, `p^(−α)` for each nat, is steeper for unlikely completions where `α > 0`, and flatter where `α < 0`: α sets how much of the margin is gained by pushing y_l down, and how far y_w is displaced along.",
  ],
  source: "AlphaPO, section 3, https://arxiv.org/abs/2501.03884",
  options: {
    beta: {
      ...beta,
      default: 2.5,
      help: "scale of the reward: larger tells pairs apart more sharply",
    },
    gamma: {
      kind: "number",
      symbol: "γ",
      default: 0.1,
      min: 0,
      help: "margin by which the chosen reward has to be larger",
      aka: ["simpo_gamma"],
    },
    alpha: {
      kind: "number",
      symbol: "α",
      default: 0.25,
      except: 0,
      help: "shape of the reward: above 0 steeper for unlikely completions",
    },
    ...nllOptions({ weight: 0, reduction: "token" }),
  },
  presets: {
    trl: {
      names: ["alphapo", "simpo"],
      alone: true,
      options: { beta: 0.1, gamma: 0.5 },
      note:
        "simpo is AlphaPO where alpha is given, and adds an NLL of weight 1",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: (batch, { beta, gamma, alpha, ...options }) => {
    const { chosen, rejected } = batch;
    const reward = (a: Value): Value => div(sub(1, power(a, alpha)), alpha);
    const margin = sub(
      reward(perToken(chosen)),
      reward(perToken(rejected)),
    );
    const contrast = negLogSigmoid(sub(mul(beta, margin), gamma));
    return withNll(contrast, batch, options);
  },
});

/** p^(−α) of log p; held at e⁸⁰, as float32 ends at e⁸⁸. */
const power = (logP: Value, alpha: Value): Value =>
  exp(min(neg(mul(alpha, logP)), 80));
