/** How a token is chosen by its logit. */
export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token. @default 1 */
  readonly temperature?: number;
  /**
   * Only the likeliest tokens are drawn from, as few as have this probability
   * together. https://arxiv.org/abs/1904.09751 @default 1
   */
  readonly topP?: number;
}

/** Chooses a token: logits of all tokens, and a source of numbers in [0, 1). */
export type Sampler = (
  logits: ArrayLike<number>,
  uniform: () => number,
) => number;

/**
 * Makes a sampler. Of tokens that are equally likely the first is the likelier;
 * at temperature 0 no random number is drawn, otherwise one.
 *
 * @throws RangeError for a setting out of its range. The sampler throws one
 * where a logit is NaN or ∞.
 */
export function sampler({ temperature = 1, topP = 1 }: Sampling = {}): Sampler {
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new RangeError(
      `Cannot sample at temperature ${temperature}: expected a number of at least 0`,
    );
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new RangeError(
      `Cannot sample with top-p ${topP}: expected a number above 0 and at most 1`,
    );
  }
  if (temperature === 0) return likeliest;
  let weights = new Float64Array();
  return (logits, uniform) => {
    if (weights.length !== logits.length) {
      weights = new Float64Array(logits.length);
    }
    const total = weigh(logits, temperature, weights);
    return topP < 1
      ? drawNucleus(weights, total, { topP, u: uniform() })
      : draw(weights, uniform() * total);
  };
}

/** The first of the largest. */
function likeliest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!;
    if (!(logit < Infinity)) {
      throw new RangeError(
        `Cannot choose a token: the logit of token ${i} is ${logit}, expected finite ones`,
      );
    }
    if (logit > logits[best]!) best = i;
  }
  return best;
}

/** Sets weights to e^((logit − largest) / temperature) and returns their sum. */
function weigh(
  logits: ArrayLike<number>,
  temperature: number,
  weights: Float64Array,
): number {
  const largest = logits[likeliest(logits)]!;
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    total += weights[i] = Math.exp((logits[i]! - largest) / temperature);
  }
  return total;
}

/** The first index up to which the weights exceed a mark below their sum. */
function draw(weights: ArrayLike<number>, mark: number): number {
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

function drawNucleus(
  weights: Float64Array,
  total: number,
  { topP, u }: { topP: number; u: number },
): number {
  // Tokens below this have less than 1 − topP together, so all that are needed
  // are above, and few are left to sort.
  const least = total * (1 - topP) / weights.length;
  const ids: number[] = [];
  for (let i = 0; i < weights.length; i++) {
    if (weights[i]! >= least) ids.push(i);
  }
  ids.sort((a, b) => weights[b]! - weights[a]! || a - b);
  let size = 0;
  let sum = 0;
  while (size < ids.length && sum < topP * total) sum += weights[ids[size++]!]!;
  const kept = ids.slice(0, size).map((id) => weights[id]!);
  return ids[draw(kept, u * sum)]!;
}
