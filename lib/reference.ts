import type { Row } from "./data/tree_batch.ts";

/** Log-probabilities of completions under the reference, looked up by content. */
export interface Reference {
  /** log π_ref(y|x) of each completion of a row, in nats. */
  logProbs(row: Row): readonly number[];
}

/** Scores rows: log π(y|x) of each completion of each row, in nats. */
export type Scorer = (rows: readonly Row[]) => Promise<readonly number[][]>;

/**
 * Scores rows under what is the reference now, each distinct completion once,
 * so that training never needs a second model.
 */
export async function computeReference(
  rows: readonly Row[],
  score: Scorer,
): Promise<Reference> {
  const distinct = distinctRows(rows);
  const scored = await score(distinct);
  return referenceOf(distinct, scored);
}

/** The reference that gives each row's completions these log-probabilities. */
export function referenceOf(
  rows: readonly Row[],
  logProbs: readonly (readonly number[])[],
): Reference {
  const known = new Map<string, number>();
  for (const [i, row] of rows.entries()) {
    completionKeys(row).forEach((key, k) => known.set(key, logProbs[i]![k]!));
  }
  return {
    logProbs: (row) =>
      completionKeys(row).map((key) => {
        const found = known.get(key);
        if (found !== undefined) return found;
        throw new RangeError(
          "Cannot look up a completion's reference log-probability: it was not computed",
        );
      }),
  };
}

/** Rows without those that hold nothing new. */
export function distinctRows(rows: readonly Row[]): Row[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const keys = completionKeys(row);
    const isNew = keys.some((key) => !seen.has(key));
    keys.forEach((key) => seen.add(key));
    return isNew;
  });
}

function completionKeys({ prompt, completions }: Row): string[] {
  return completions.map((completion) => `${prompt}|${completion}`);
}
