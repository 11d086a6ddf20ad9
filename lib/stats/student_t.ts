/**
 * P(|T| ≤ t) for Student's T, by the finite sums of Abramowitz and Stegun
 * 26.7.3 and 26.7.4, https://personal.math.ubc.ca/~cbm/aands/page_948.htm:
 * exact for the whole degrees of freedom that samples have.
 *
 * @param t the bound, not negative.
 * @param df degrees of freedom, a positive integer.
 * @throws {RangeError} when either is outside its range.
 */
export function centralProbability(t: number, df: number): number {
  if (!(t >= 0)) {
    throw new RangeError(
      `Cannot use t = ${t}: expected a number of at least 0`,
    );
  }
  checkDegrees(df);
  return probabilityWithin(Math.atan(t / Math.sqrt(df)), df);
}

/**
 * The t with P(|T| ≤ t) = probability: the factor of a two-sided interval.
 *
 * @param probability in (0, 1), 0.95 for a 95 % interval.
 * @param df degrees of freedom, a positive integer.
 * @throws {RangeError} when either is outside its range.
 */
export function twoSidedQuantile(probability: number, df: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(
      `Cannot use a probability of ${probability}: expected one between 0 and 1`,
    );
  }
  checkDegrees(df);
  // Bisection over the angle: it is bounded, and the sum grows with it.
  let [low, high] = [0, Math.PI / 2];
  for (
    let middle = high / 2;
    low < middle && middle < high;
    middle = (low + high) / 2
  ) {
    if (probabilityWithin(middle, df) < probability) low = middle;
    else high = middle;
  }
  return Math.sqrt(df) * Math.tan(high);
}

/** The sums of 26.7.3 (odd) and 26.7.4 (even) at θ = atan(t / √df). */
function probabilityWithin(theta: number, df: number): number {
  const odd = df % 2 === 1;
  const cosine = Math.cos(theta);
  let term = odd ? cosine : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= df - 2; k += 2) {
    term *= cosine * cosine * (k - 1) / k;
    sum += term;
  }
  const series = Math.sin(theta) * sum;
  return odd ? 2 / Math.PI * (theta + series) : series;
}

function checkDegrees(df: number): void {
  if (!Number.isInteger(df) || df < 1) {
    throw new RangeError(
      `Cannot use ${df} degrees of freedom: expected a positive integer`,
    );
  }
}
