import { join } from "node:path";
import { writeTextAtomically } from "./atomic_file.ts";
import { hashExamples } from "./data/describe_examples.ts";
import { scoredLengths } from "./data/scored_tokens.ts";
import type { Row } from "./data/tree_batch.ts";
import { canonicalJson, type Json } from "./record/canonical_json.ts";
import { sha256 } from "./record/sha256.ts";
import {
  type CompletionScore,
  distinctRows,
  type Reference,
  referenceOf,
  type RowScorer,
} from "./reference.ts";

export interface CacheOptions {
  /** Folder of the cache. */
  folder: string;
  /** Everything but the rows that decides the log-probabilities. */
  identity: Readonly<Record<string, Json>>;
}

/**
 * The reference's log-probabilities of rows, from the cache if they were
 * computed before for the same rows by the same model in the same way. The
 * cache is keyed by content, so it never needs to be emptied for correctness.
 *
 * @throws RangeError where a log-probability is not finite.
 */
export async function cachedReference(
  rows: readonly Row[],
  score: RowScorer,
  { folder, identity }: CacheOptions,
): Promise<Reference> {
  const distinct = distinctRows(rows);
  const content = { ...identity, rows: hashExamples({ examples: distinct }) };
  const path = join(folder, `${sha256(canonicalJson(content))}.json`);
  const known = await readCached(path, distinct);
  if (known) return referenceOf(distinct, known);
  // First, so that a folder that cannot be made costs no time.
  await Deno.mkdir(folder, { recursive: true });
  const logProbs = await score(distinct);
  assertFinite(logProbs);
  const text = JSON.stringify({ ...content, logProbs });
  await writeTextAtomically(path, text);
  return referenceOf(distinct, logProbs);
}

/** What the cache has, if it is whole: one score for each completion. */
async function readCached(
  path: string,
  rows: readonly Row[],
): Promise<CompletionScore[][] | null> {
  try {
    const { logProbs } = JSON.parse(await Deno.readTextFile(path));
    return isFor(rows, logProbs) ? logProbs : null;
  } catch {
    return null; // Absent or damaged: it is computed again and replaced.
  }
}

function isFor(
  rows: readonly Row[],
  found: unknown,
): found is CompletionScore[][] {
  return Array.isArray(found) && found.length === rows.length &&
    found.every((list, i) => {
      const lengths = scoredLengths(rows[i]!);
      return Array.isArray(list) && list.length === lengths.length &&
        list.every((score, k) => isScore(score, lengths[k]!));
    });
}

function isScore(score: unknown, tokens: number): boolean {
  return Array.isArray(score)
    ? score.length === tokens && score.every(Number.isFinite)
    : Number.isFinite(score);
}

function assertFinite(
  scores: readonly (readonly CompletionScore[])[],
): void {
  const found = scores.flat(2).find((x) => !Number.isFinite(x));
  if (found === undefined) return;
  throw new RangeError(
    `The reference gives a completion the log-probability ${found}, expected finite numbers: its weights may overflow float32`,
  );
}
