import { add, detach, mul, sub } from "../ops/elementwise.ts";
import {
  type BatchStatistics,
  type CompletionLogProbs,
  type LossState,
  pairLoss,
} from "./loss.ts";
import { beta } from "./options.ts";
import { meanLogRatio, negLogSigmoid, perToken } from "./sequences.ts";

/**
 * AlphaDPO, https://arxiv.org/abs/2410.10148: SimPO with a margin of each
 * pair's own. The defaults are the authors' for Llama-3-8B-Instruct.
 *
 * The paper's objective adds α times the standardised m to γ. The authors' code,
 * for which their values of α are, adds it to a_w − a_l, which β multiplies. So
 * does this, and it standardises as the code does, by running moments. Here they
 * start with the first batch instead of at 0, and where all m are equal, as at
 * π = π_ref, the margin is that of SimPO.
 */
export const alphaDpo = pairLoss({
  id: "alpha-dpo",
  title: "AlphaDPO: SimPO with an adaptive margin",
  mark: { color: "orange", dash: "dashdot", symbol: "star" },
  formula: '−log σ(β(a_w − a_l − α "sg"((m − μ)/s)) − γ), ' +
    'm = a_w − a_l − "the same of" π_ref, a = "mean token" log π(y|x), ' +
    '"sg" = "no gradient"',
  derivation: [
    "SimPO asks every pair for one margin, as DPO does whose reference finds all answers alike. DPO's own reference asks for the margin that it has, right or wrong.",
    "`U (π/π_ref)^α`, with U uniform, is a reference that follows the policy. It asks for `αm` more: for more where π already tells a pair apart better than `π_ref` does.",
    "m is standardised, so that α means the same throughout training: μ and s are its running mean and standard deviation. The margin is a constant to the gradient.",
    "`α = 0` is SimPO.",
  ],
  source: "AlphaDPO, https://arxiv.org/abs/2410.10148",
  options: {
    beta: {
      ...beta,
      default: 2.5,
      help: "scale of the reward: larger tells pairs apart more sharply",
    },
    gamma: {
      kind: "number",
      symbol: "γ",
      default: 1.5,
      min: 0,
      help: "margin by which the chosen reward has to be larger, on average",
    },
    alpha: {
      kind: "number",
      symbol: "α",
      default: 0.2,
      min: 0,
      help: "how much more is asked of pairs that are told apart better",
    },
  },
  presets: {
    "paper-repo": {
      names: ["alpha-dpo"],
      options: {},
      note:
        "γ is given as gamma_beta_ratio, γ/β; its running moments start at 0",
    },
  },
  statistics: {
    formula: "mean μ and standard deviation s of the batches' m, " +
      "where each batch counts 0.9 times as much as the next one",
    outputs: { center: "number", sharpness: "number" },
    initialState: { mean: 0, spread: 0, weight: 0 },
    forEvaluation: (state) => ({ values: scaleOf(state), metrics: {} }),
    reduce: (rows, _options, state) => runningMoments(rows, state),
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, statistics }, { beta, gamma, alpha }) => {
    const excess = sub(meanLogRatio(chosen), meanLogRatio(rejected));
    const standardised = mul(
      sub(excess, statistics["center"]!),
      statistics["sharpness"]!,
    );
    const margin = detach(add(gamma, mul(mul(beta, alpha), standardised)));
    const reward = mul(beta, sub(perToken(chosen), perToken(rejected)));
    return { loss: negLogSigmoid(sub(reward, margin)), metrics: { margin } };
  },
});

/** How much a batch counts against the one after it. */
const DECAY = 0.9;

function runningMoments(
  rows: readonly (readonly CompletionLogProbs[])[],
  { mean = 0, spread = 0, weight = 0 }: LossState,
): BatchStatistics {
  const batch = moments(rows.map(([w, l]) => ratioOf(w!) - ratioOf(l!)));
  const total = DECAY * weight + 1;
  const average = (before: number, now: number) =>
    before + (now - before) / total;
  const state = {
    mean: average(mean, batch.mean),
    spread: average(spread, batch.spread),
    weight: total,
  };
  return { values: scaleOf(state), metrics: {}, state };
}

/** Mean and standard deviation; that of one number is 0. */
function moments(list: readonly number[]): { mean: number; spread: number } {
  const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
  const squares = list.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, spread: Math.sqrt(squares / Math.max(list.length - 1, 1)) };
}

/** log π_θ/π_ref of a token, on average. */
const ratioOf = ({ logProb, refLogProb, length }: CompletionLogProbs) =>
  (logProb - refLogProb) / Math.max(length, 1);

/** Below so many nats a token, spread is that of rounding, as at the start. */
const LEAST_SPREAD = 1e-4;

/** μ and 1/s, or 0 where there is no spread yet. */
const scaleOf = ({ mean = 0, spread = 0 }: LossState) => ({
  center: mean,
  sharpness: spread < LEAST_SPREAD ? 0 : 1 / spread,
});
