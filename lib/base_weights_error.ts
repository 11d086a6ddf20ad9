import type { Row } from "./data/tree_batch.ts";
import { createState } from "./onnx/state.ts";
import type { Policy } from "./models/policy.ts";
import { Scorer, type ScorerOptions } from "./scorer.ts";

/** How far log-probabilities are off because weights are held in fewer bits. */
export interface BaseWeightsError {
  readonly rows: number;
  /** Tokens that were scored. */
  readonly tokens: number;
  /** Mean of |Δ log π| of a token, in nats. */
  readonly mean: number;
  /** The largest |Δ log π|. */
  readonly largest: number;
}

/**
 * Scores rows under a policy before training, and under the same over weights
 * as they are stored.
 */
export async function baseWeightsError(
  rows: readonly Row[],
  { policy, exact, ...options }: ScorerOptions & { exact: Policy },
): Promise<BaseWeightsError> {
  const [found, expected] = [
    await tokenScores(rows, { policy, ...options }),
    await tokenScores(rows, { policy: exact, ...options }),
  ];
  const differences = found.map((x, i) => Math.abs(x - expected[i]!));
  return {
    rows: rows.length,
    tokens: differences.length,
    mean: differences.reduce((a, b) => a + b, 0) / differences.length,
    largest: differences.reduce((a, b) => Math.max(a, b), 0),
  };
}

async function tokenScores(
  rows: readonly Row[],
  { policy, ...options }: ScorerOptions,
): Promise<number[]> {
  const scorer = new Scorer({ policy, ...options });
  const state = await createState(policy.trained, options.device ?? "cpu");
  try {
    await state.write(policy.initial);
    const parameters = state.tensors;
    return (await scorer.scoreTokens(rows, { parameters })).flat(2);
  } finally {
    await state.release();
    await scorer.release();
  }
}
