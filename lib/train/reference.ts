import {
  hashExamples,
  lossLengths,
  lossMaskKeys,
  type TokenRow,
} from "../data/example.ts";
import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { sha256 } from "../record/sha256.ts";

/** log π_ref of a completion, or of each of its tokens, in nats. */
export type CompletionScore = number | readonly number[];

/** Log-probabilities of completions under the reference, looked up by content. */
export interface Reference {
  /** log π_ref(y|x) of each completion of a row, in nats. */
  logProbs(row: TokenRow): readonly number[];
  /** log π_ref of each scored token of each of them. */
  tokenLogProbs(row: TokenRow): readonly (readonly number[])[];
}

/** Scores rows: each completion of each row. */
export type RowScorer = (
  rows: readonly TokenRow[],
) => Promise<readonly (readonly CompletionScore[])[]>;

/**
 * Scores rows under what is the reference now, each distinct completion once,
 * so that training never needs a second model.
 */
export async function computeReference(
  rows: readonly TokenRow[],
  score: RowScorer,
): Promise<Reference> {
  const distinct = distinctRows(rows);
  const scored = await score(distinct);
  return referenceOf(distinct, scored);
}

/** The reference that gives each row's completions these log-probabilities. */
export function referenceOf(
  rows: readonly TokenRow[],
  scores: readonly (readonly CompletionScore[])[],
): Reference {
  const known = new Map<string, CompletionScore>();
  for (const [i, row] of rows.entries()) {
    completionKeys(row).forEach((key, k) => known.set(key, scores[i]![k]!));
  }
  const find = (key: string) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    throw new RangeError(
      "Cannot look up a completion's reference log-probability: it was not computed",
    );
  };
  return {
    logProbs: (row) => completionKeys(row).map((key) => total(find(key))),
    tokenLogProbs: (row) => completionKeys(row).map((key) => list(find(key))),
  };
}

function total(score: CompletionScore): number {
  return typeof score === "number" ? score : score.reduce((a, b) => a + b, 0);
}

function list(score: CompletionScore): readonly number[] {
  if (typeof score !== "number") return score;
  throw new RangeError(
    "Cannot look up tokens' reference log-probabilities: only their sum was computed",
  );
}

/** Rows without those that hold nothing new. */
export function distinctRows(rows: readonly TokenRow[]): TokenRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const keys = completionKeys(row);
    const isNew = keys.some((key) => !seen.has(key));
    keys.forEach((key) => seen.add(key));
    return isNew;
  });
}

function completionKeys(row: TokenRow): string[] {
  const marks = lossMaskKeys(row);
  return row.completions.map((completion, k) =>
    `${row.prompt}|${completion}|${marks[k]}`
  );
}

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
  rows: readonly TokenRow[],
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
  rows: readonly TokenRow[],
): Promise<CompletionScore[][] | null> {
  try {
    const { logProbs } = JSON.parse(await Deno.readTextFile(path));
    return isFor(rows, logProbs) ? logProbs : null;
  } catch {
    return null; // Absent or damaged: it is computed again and replaced.
  }
}

function isFor(
  rows: readonly TokenRow[],
  found: unknown,
): found is CompletionScore[][] {
  return Array.isArray(found) && found.length === rows.length &&
    found.every((list, i) => {
      const lengths = lossLengths(rows[i]!);
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
