/** What an example turned out to be: numbers of one of its completions. */
export interface Scored {
  /** log π_θ(y|x), in nats. */
  readonly logProb: number;
  /** log π_ref(y|x); absent where there is no reference. */
  readonly refLogProb?: number;
}

/** Scored completions of one optimizer batch, by what they are. */
export interface ScoredBatch {
  readonly chosen: readonly Scored[];
  readonly rejected: readonly Scored[];
  /** Whether `chosen[i]` and `rejected[i]` belong to one prompt. */
  readonly paired: boolean;
}

/**
 * Means over a batch: `logps/*` in nats, and, where there is a reference,
 * `rewards/*` = β log π_θ/π_ref. Accuracy counts strict inequality. What has
 * no example in the batch is left out.
 */
export function batchMetrics(
  { chosen, rejected, paired }: ScoredBatch,
  beta: number,
): Record<string, number> {
  const reward = ({ logProb, refLogProb }: Scored) =>
    refLogProb === undefined ? NaN : beta * (logProb - refLogProb);
  const good = chosen.map(reward);
  const bad = rejected.map(reward);
  const margins = paired ? good.map((r, i) => r - bad[i]!) : [];
  const margin = paired ? mean(margins) : mean(good) - mean(bad);
  const metrics = {
    "logps/chosen": mean(chosen.map(({ logProb }) => logProb)),
    "logps/rejected": mean(rejected.map(({ logProb }) => logProb)),
    "rewards/chosen": mean(good),
    "rewards/rejected": mean(bad),
    "rewards/margins": margin,
    "rewards/accuracies": Number.isNaN(margin)
      ? NaN
      : mean(margins.map((m) => Number(m > 0))),
  };
  return Object.fromEntries(
    Object.entries(metrics).filter(([, value]) => !Number.isNaN(value)),
  );
}

/** NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
