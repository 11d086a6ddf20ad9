import { mul, neg } from "../ops/elementwise.ts";
import { logistic } from "../ops/special.ts";
import { labelLoss } from "./loss.ts";
import { logRatio, signOf, weightOf } from "./sequences.ts";
import { beta, desirableWeight, undesirableWeight } from "./options.ts";

/**
 * Anchored Preference Optimization, eq. 7 of https://arxiv.org/abs/2408.06266,
 * of labelled completions: KTO with its reference point held at 0. What is
 * desirable becomes likelier than under π_ref, what is not less likely.
 */
export const apoZeroUnpaired = labelLoss({
  id: "apo-zero-unpaired",
  title: "Anchored Preference Optimization (zero) of labelled completions",
  mark: { color: "vermilion", dash: "dash", symbol: "star" },
  formula: 'λ_D (1 − σ(βΔ)) "if desirable," λ_U σ(βΔ) "if not", ' +
    "Δ = log π(y|x) − log π_ref(y|x)",
  derivation: [
    "A contrast `r_w − r_l` may grow while both rewards fall. Anchored to 0, the reward `βΔ` of a desirable completion has to rise and that of an undesirable one to fall.",
    "`1 − σ(r)` falls with r and `σ(r)` rises. Both saturate: a reward far from 0 gets no gradient, on either side.",
  ],
  source: "APO, eq. 7, https://arxiv.org/abs/2408.06266",
  options: {
    beta: { ...beta, help: "how fast it saturates with distance from π_ref" },
    desirableWeight,
    undesirableWeight,
  },
  presets: {
    trl: { names: ["apo_zero_unpaired"], alone: true, options: {} },
  },
  rewardScale: ({ beta }) => beta,
  labelWeights: ({ desirableWeight, undesirableWeight }) => ({
    desirable: desirableWeight,
    undesirable: undesirableWeight,
  }),
  terms: ({ completion, desirable }, { beta, ...weights }) => {
    const reward = mul(beta, logRatio(completion));
    // 1 − σ(r) is σ(−r), which keeps its digits where it is small.
    const regret = logistic(neg(mul(signOf(desirable), reward)));
    return { loss: mul(weightOf(desirable, weights), regret) };
  },
});
