import { mul, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { nllOptions, withNll } from "./nll.ts";
import { perToken, smoothed } from "./sequences.ts";
import { beta, labelSmoothing } from "./options.ts";

/**
 * Simple Preference Optimization, eq. 6 of https://arxiv.org/abs/2405.14734.
 *
 * The reward is what a model samples by, the mean log-probability of a token.
 * There is no reference model and no KL constraint.
 */
export const simpo = pairLoss({
  id: "simpo",
  title: "Simple Preference Optimization",
  mark: { color: "orange", dash: "solid", symbol: "star" },
  formula: "−(1−ε) log σ(z) − ε log σ(−z) + λ_NLL NLL(y_w), " +
    'z = β(a_w − a_l) − γ, a = "mean token" log π(y|x)',
  derivation: [
    "A model decodes by `log π(y|x)` per token; DPO's reward `β log(π/π_ref)` may rank a pair the other way. Here the former is the reward, `r = βa`.",
    "Divided by length, a reward does not fall with every token, and long completions are not preferred for their sum.",
    "Bradley–Terry with a home advantage: y_w has to win by a margin γ, `σ(r_w − r_l − γ)`.",
  ],
  source: "SimPO, eq. 6, https://arxiv.org/abs/2405.14734",
  options: {
    beta: {
      ...beta,
      default: 2,
      help: "scale of the reward: larger tells pairs apart more sharply",
    },
    gamma: {
      kind: "number",
      symbol: "γ",
      default: 0.5,
      min: 0,
      help: "margin by which the chosen reward has to be larger",
      aka: ["simpo_gamma"],
    },
    labelSmoothing,
    ...nllOptions({ weight: 0, reduction: "token" }),
  },
  presets: {
    trl: {
      names: ["simpo"],
      alone: true,
      options: { beta: 0.1, nllWeight: 1 },
      note: "the NLL's tokens are averaged over the micro-batch",
    },
    "llama-factory": { names: ["simpo"], options: { beta: 0.1 } },
    "paper-repo": {
      names: ["simpo"],
      options: {},
      note: "γ is given as gamma_beta_ratio, γ/β",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: (batch, { beta, gamma, labelSmoothing, ...options }) => {
    const { chosen, rejected } = batch;
    const margin = mul(beta, sub(perToken(chosen), perToken(rejected)));
    const contrast = smoothed(sub(margin, gamma), labelSmoothing);
    return withNll(contrast, batch, options);
  },
});
