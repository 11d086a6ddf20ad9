import { dirname, join } from "node:path";
import { hashExamples, lossLengths, type TokenRow } from "../data/example.ts";
import { ALONE, fromFirst, type Group } from "../distributed/group.ts";
import { writeTextAtomically } from "../files/atomic.ts";
import { orNull } from "../files/missing.ts";
import { isObject, reasonOf } from "../files/values.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { sha256 } from "../record/sha256.ts";
import type { LogProbOptions, LogProbOrTokens } from "./forward_pass.ts";
import {
  type ComputeLogProbs,
  distinctRows,
  type Reference,
  referenceOf,
} from "./reference.ts";

/** Options of {@linkcode cachedReference}. */
export interface CacheOptions {
  /** Folder of the cache. */
  folder: string;
  /** Told where the cache cannot be written, which costs time only. */
  onNote?: (text: string) => void;
  /** Everything except the rows that decides the log-probabilities. */
  identity: Readonly<Record<string, Json>>;
  /**
   * Processes that compute the same reference: the first one alone reads and
   * writes the cache. @default this one alone
   */
  group?: Group;
}

/**
 * Reads the reference of rows from a cache, if it was computed before for the
 * same rows by the same model in the same way; otherwise computes and keeps it.
 * The cache is keyed by content and never needs to be emptied for correctness.
 * It is written part by part, so that an interrupted computation goes on.
 *
 * @throws RangeError where a log-probability is not finite.
 */
export async function cachedReference(
  rows: readonly TokenRow[],
  compute: ComputeLogProbs,
  { folder, identity, onNote, group = ALONE }: CacheOptions,
): Promise<Reference> {
  const distinct = distinctRows(rows);
  const content = { ...identity, rows: hashExamples({ examples: distinct }) };
  const path = join(folder, `${sha256(canonicalJson(content))}.json`);
  const known = await fromFirst(group, () => readCached(path, distinct));
  if (known) {
    // Those of a process that was killed once it had put them together.
    if (group.rank === 0) await Deno.remove(`${path}l`).catch(() => {});
    return referenceOf(distinct, known);
  }
  const parts = await Parts.open(`${path}l`, distinct, { group, onNote });
  const logProbs = await parts.complete(compute);
  if (!logProbs.flat(2).every(Number.isFinite)) await parts.remove();
  assertFinite(logProbs);
  const text = JSON.stringify({ ...content, ...sealed(logProbs) });
  if (group.rank === 0) {
    await writeTextAtomically(path, text)
      .then(() => parts.remove())
      .catch((error: Error) => onNote?.(error.message));
  }
  return referenceOf(distinct, logProbs);
}

interface PartsOptions extends Required<Pick<CacheOptions, "group">> {
  onNote: CacheOptions["onNote"];
}

/** Log-probabilities of the first rows, a line a part, as they are computed. */
class Parts {
  private constructor(
    private readonly path: string,
    private readonly rows: readonly TokenRow[],
    /** Those of an earlier computation. */
    private readonly known: readonly LogProbOrTokens[][],
    private readonly options: PartsOptions,
  ) {}

  /** Reads the parts that an interrupted computation left in a file. */
  static async open(
    path: string,
    rows: readonly TokenRow[],
    options: PartsOptions,
  ): Promise<Parts> {
    const known = await fromFirst(options.group, async () => {
      await Deno.mkdir(dirname(path), { recursive: true })
        .catch((error: Error) => options.onNote?.(error.message));
      return partsIn(await orNull(Deno.readTextFile(path)) ?? "", rows);
    });
    return new Parts(path, rows, known, options);
  }

  /**
   * Computes the rows that are left. A part ends where a micro-batch does, so
   * that the others are cut as if none were known.
   */
  async complete(
    compute: ComputeLogProbs,
  ): Promise<readonly (readonly LogProbOrTokens[])[]> {
    const rest = this.rows.slice(this.known.length);
    if (rest.length === 0) return this.known;
    const computed = await compute(rest, { onPart: this.#writer() });
    return [...this.known, ...computed];
  }

  async remove(): Promise<void> {
    if (this.options.group.rank === 0) await orNull(Deno.remove(this.path));
  }

  /** Appends parts, until the file cannot be written. */
  #writer(): NonNullable<LogProbOptions["onPart"]> {
    let from = this.known.length;
    let isWritable = this.options.group.rank === 0;
    return (logProbs) => {
      if (!isWritable) return;
      try {
        // A line break first: the line before may be cut.
        const line = `\n${JSON.stringify({ from, ...sealed(logProbs) })}`;
        Deno.writeTextFileSync(this.path, line, { append: true });
        from += logProbs.length;
      } catch (error) {
        isWritable = false;
        this.options.onNote?.(
          `Cannot cache the reference in ${this.path}: ${reasonOf(error)}`,
        );
      }
    };
  }
}

/** The parts in the text of a file, as far as they are sound. */
function partsIn(
  text: string,
  rows: readonly TokenRow[],
): LogProbOrTokens[][] {
  const known: LogProbOrTokens[][] = [];
  for (const line of text.split("\n")) {
    const { from, ...part } = parsedPart(line);
    const logProbs = opened(part);
    // Another process may have written the same rows, or a line was cut.
    if (from !== known.length || !Array.isArray(logProbs)) continue;
    const next = rows.slice(from, from + logProbs.length);
    if (isFor(next, logProbs)) known.push(...logProbs);
  }
  return known;
}

/** A content with its own hash, by which damage shows. */
interface Sealed {
  readonly logProbs?: unknown;
  readonly sha256?: unknown;
}

function sealed(logProbs: readonly unknown[]): Sealed {
  return { logProbs, sha256: sha256(JSON.stringify(logProbs)) };
}

/** The content; undefined where it is damaged. */
function opened(part: Sealed): unknown {
  const text = JSON.stringify(part.logProbs) ?? "";
  return part.sha256 === sha256(text) ? part.logProbs : undefined;
}

function parsedPart(line: string): Sealed & { readonly from?: unknown } {
  try {
    const part: unknown = JSON.parse(line);
    return isObject(part) ? part : {};
  } catch {
    return {}; // Cut or damaged.
  }
}

/** The cache's log-probabilities, if it has one for each completion. */
async function readCached(
  path: string,
  rows: readonly TokenRow[],
): Promise<LogProbOrTokens[][] | null> {
  try {
    const logProbs = opened(JSON.parse(await Deno.readTextFile(path)));
    return isFor(rows, logProbs) ? logProbs : null;
  } catch {
    return null; // Absent or damaged: it is computed again and replaced.
  }
}

function isFor(
  rows: readonly TokenRow[],
  found: unknown,
): found is LogProbOrTokens[][] {
  return Array.isArray(found) && found.length === rows.length &&
    found.every((list, i) => {
      const lengths = lossLengths(rows[i]!);
      return Array.isArray(list) && list.length === lengths.length &&
        list.every((each, k) => isLogProb(each, lengths[k]!));
    });
}

function isLogProb(value: unknown, tokens: number): boolean {
  return Array.isArray(value)
    ? value.length === tokens && value.every(Number.isFinite)
    : Number.isFinite(value);
}

function assertFinite(
  logProbs: readonly (readonly LogProbOrTokens[])[],
): void {
  const found = logProbs.flat(2).find((x) => !Number.isFinite(x));
  if (found === undefined) return;
  throw new RangeError(
    `The reference gives a completion the log-probability ${found}, expected finite numbers: its weights may overflow float32`,
  );
}
