/** log Σ eˣ, without overflow. */
export function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  if (!Number.isFinite(largest)) return largest;
  return largest +
    Math.log(values.reduce((sum, x) => sum + Math.exp(x - largest), 0));
}

/** Log-probabilities that differ as these numbers do: x − log Σ eˣ. */
export function logSoftmax(values: readonly number[]): number[] {
  const total = logSumExp(values);
  return values.map((x) => x - total);
}

/** E[f] = Σ π f over outcomes with these log-probabilities. */
export function expectation(
  logProbs: readonly number[],
  values: readonly number[],
): number {
  return logProbs.reduce((sum, x, i) => sum + weighted(x, values[i]!), 0);
}

/**
 * KL(π‖μ) = Σ π log(π/μ) in nats; ∞ where π has an outcome that μ has not.
 *
 * @param logProbs log π of each outcome.
 * @param reference log μ of each outcome.
 */
export function klDivergence(
  logProbs: readonly number[],
  reference: readonly number[],
): number {
  return expectation(logProbs, logProbs.map((x, i) => x - reference[i]!));
}

/** −Σ π log π in nats. */
export function entropy(logProbs: readonly number[]): number {
  return -expectation(logProbs, logProbs);
}

/** π f; 0 of an outcome that cannot happen, however large f is. */
function weighted(logProb: number, value: number): number {
  const probability = Math.exp(logProb);
  return probability === 0 ? 0 : probability * value;
}
