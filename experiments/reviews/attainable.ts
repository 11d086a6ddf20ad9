import { mean } from "lib/train/metrics.ts";

/** A point of the attainable frontier: the optimum at one β, as means over prompts. */
export interface AttainablePoint {
  readonly beta: number;
  /** E[r] under π*. */
  readonly reward: number;
  /** KL(π*‖π_ref) of whole completions, in nats. */
  readonly kl: number;
  /** Smallest effective sample size of any prompt. */
  readonly effectiveSamples: number;
}

export interface AttainableOptions {
  /** The β of each point, above 0. */
  betas: readonly number[];
  /**
   * The curve ends where the effective sample size of a prompt is smaller.
   *
   * @default 10
   */
  minimumEffectiveSamples?: number;
}

/**
 * The frontier that no policy can cross: for each β from the largest down, the
 * policy π* ∝ π_ref exp(r/β) that maximises E[r] − β KL(π‖π_ref) (DPO, eq. 4,
 * https://arxiv.org/abs/2305.18290). One β for all prompts also divides a mean
 * KL among them in the best way.
 *
 * π* is estimated by self-normalised importance sampling: samples of π_ref get
 * the weights w = exp(r/β), so Z = mean w, E[r] = Σ w r / Σ w and
 * KL = E[r]/β − log Z. That is the exact frontier of the sampled completions:
 * its reward rises with its KL, which cannot exceed log n. Against the true
 * frontier it errs by O(1/effective sample size), with both too small.
 *
 * @param rewards for each prompt, the rewards of samples of π_ref.
 */
export function attainableFrontier(
  rewards: readonly (readonly number[])[],
  { betas, minimumEffectiveSamples = 10 }: AttainableOptions,
): AttainablePoint[] {
  checkRewards(rewards);
  const points: AttainablePoint[] = [];
  for (const beta of betas.toSorted((a, b) => b - a)) {
    const point = attainable(rewards, beta);
    if (point.effectiveSamples < minimumEffectiveSamples) break;
    points.push(point);
  }
  return points;
}

function attainable(
  rewards: readonly (readonly number[])[],
  beta: number,
): AttainablePoint {
  if (!(beta > 0)) {
    throw new RangeError(
      `Cannot compute the attainable frontier at beta ${beta}: expected a number above 0`,
    );
  }
  const tilted = rewards.map((samples) => tilt(samples, beta));
  return {
    beta,
    reward: mean(tilted.map(({ reward }) => reward)),
    kl: mean(tilted.map(({ kl }) => kl)),
    effectiveSamples: Math.min(...tilted.map((t) => t.effectiveSamples)),
  };
}

/** Weights samples by exp((r − max r)/β), which cannot overflow. */
function tilt(rewards: readonly number[], beta: number) {
  const best = Math.max(...rewards);
  const weights = rewards.map((r) => Math.exp((r - best) / beta));
  const meanWeight = mean(weights);
  const reward = mean(weights.map((w, i) => w * rewards[i]!)) / meanWeight;
  return {
    reward,
    kl: (reward - best) / beta - Math.log(meanWeight),
    effectiveSamples: rewards.length * meanWeight ** 2 /
      mean(weights.map((w) => w * w)),
  };
}

function checkRewards(rewards: readonly (readonly number[])[]): void {
  if (rewards.length === 0) {
    throw new RangeError(
      "Cannot compute the attainable frontier of no prompts: expected at least one",
    );
  }
  for (const [prompt, samples] of rewards.entries()) {
    const bad = samples.find((reward) => !Number.isFinite(reward));
    if (samples.length > 0 && bad === undefined) continue;
    throw new RangeError(
      `Cannot compute the attainable frontier: prompt ${prompt} has ${
        samples.length === 0 ? "no samples" : `a reward of ${bad}`
      }, expected finite rewards`,
    );
  }
}
