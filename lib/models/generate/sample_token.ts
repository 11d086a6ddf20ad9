import { Candidates, type Softmax } from "./candidates.ts";
import { type Sampling, warpersOf } from "./warpers.ts";

/** A token that was chosen. */
export interface Drawn {
  readonly id: number;
  /**
   * log of the softmax of the logits as they are: under the model itself, at
   * temperature 1, in nats, as a forward pass computes it.
   */
  readonly logProb: number;
  /**
   * log of the probability with which it was drawn: under the softmax of the
   * warped logits, in nats; 0 at temperature 0. It is at most 0, and never −∞.
   */
  readonly samplingLogProb: number;
}

/** The inputs of a choice besides the logits. */
export interface SamplingContext {
  /** Tokens of the prompt and of the completion so far, each once. */
  readonly seen: Iterable<number>;
  /** Draws a number in [0, 1). */
  readonly uniform: () => number;
}

/** Chooses a token by the logits of all. */
export type Sampler = (
  logits: ArrayLike<number>,
  context: SamplingContext,
) => Drawn;

/**
 * Makes a sampler. At temperature 0 it takes the first of the likeliest tokens
 * and draws no random number, otherwise it draws one for each token.
 *
 * @throws RangeError for a setting out of its range. The sampler throws one
 * where a logit is NaN or ∞, or all are −∞.
 */
export function sampler(sampling: Sampling = {}): Sampler {
  const warpers = warpersOf(sampling);
  const greedy = sampling.temperature === 0;
  const candidates = new Candidates();
  return (logits, { seen, uniform }) => {
    candidates.reset(logits);
    const model = candidates.softmax();
    if (!Number.isFinite(model.total)) throw unusable(logits);
    for (const warp of warpers) warp(candidates, seen);
    const warped = candidates.softmax();
    const i = draw(warped.weights, greedy ? 0 : uniform() * warped.total);
    const id = candidates.ids[i]!;
    return {
      id,
      logProb: logSoftmax(logits[id]!, model),
      samplingLogProb: logSoftmax(candidates.scores[i]!, warped),
    };
  };
}

function logSoftmax(score: number, { largest, total }: Softmax): number {
  return score - largest - Math.log(total);
}

/** The first index up to which the weights exceed a mark below their sum. */
function draw(weights: Float64Array, mark: number): number {
  let last = 0;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    sum += weights[i]!;
    if (sum > mark) break;
  }
  return last;
}

function unusable(logits: ArrayLike<number>): RangeError {
  const list = Array.from(logits);
  const at = list.findIndex((logit) => !(logit < Infinity));
  const actual = at < 0
    ? "all logits are -Infinity"
    : `the logit of token ${at} is ${list[at]}`;
  return new RangeError(
    `Cannot choose a token: ${actual}, expected finite ones`,
  );
}
