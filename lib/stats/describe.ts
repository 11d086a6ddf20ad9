/**
 * Pearson's correlation of two lists of equal length; `null` if it is
 * undefined: for fewer than two pairs, or a list of equal values.
 */
export function correlation(
  xs: readonly number[],
  ys: readonly number[],
): number | null {
  const [dx, dy] = [deviations(xs), deviations(ys)];
  const spread = Math.sqrt(dot(dx, dx)) * Math.sqrt(dot(dy, dy));
  if (xs.length < 2 || spread === 0) return null;
  return Math.max(-1, Math.min(1, dot(dx, dy) / spread));
}

function deviations(values: readonly number[]): number[] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.map((value) => value - mean);
}

function dot(xs: readonly number[], ys: readonly number[]): number {
  return xs.reduce((sum, x, i) => sum + x * ys[i]!, 0);
}

/** Bins of equal width; the first begins at 0. */
export interface Bins {
  readonly width: number;
  readonly count: number;
}

/**
 * Bins for all values, whose width is 1, 2 or 5 times a power of ten.
 *
 * @param values whole numbers of at least 0.
 * @param most the largest number of bins. @default 20
 */
export function wholeBins(values: Iterable<number>, most = 20): Bins {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, value);
  const width = roundWidth((largest + 1) / most);
  return { width, count: Math.floor(largest / width) + 1 };
}

/** The number of values in each bin. */
export function binCounts(
  values: readonly number[],
  { width, count }: Bins,
): number[] {
  const counts = new Array<number>(count).fill(0);
  for (const value of values) counts[Math.floor(value / width)]!++;
  return counts;
}

function roundWidth(least: number): number {
  for (let power = 1;; power *= 10) {
    const width = [1, 2, 5].map((x) => x * power).find((x) => x >= least);
    if (width !== undefined) return width;
  }
}

/**
 * Distinct n-grams over all n-grams, after Li et al.
 * (https://arxiv.org/abs/1510.03055); 0 where no completion is n long. It falls
 * as completions are added: compare equal numbers of them only.
 */
export function distinctN(
  completions: readonly (readonly number[])[],
  n: number,
): number {
  const ngrams = completions.flatMap((ids) =>
    ids.slice(n - 1).map((_, start) => ids.slice(start, start + n).join())
  );
  return new Set(ngrams).size / Math.max(1, ngrams.length);
}
