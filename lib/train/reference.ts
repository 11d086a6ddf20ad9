import {
  hashExamples,
  lossLengths,
  lossMaskKeys,
  type TokenRow,
} from "../data/example.ts";
import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import { orNull } from "../files/missing.ts";
import { isObject, reasonOf } from "../files/values.ts";
import type { Policy } from "../models/policy.ts";
import type { Tensors } from "../onnx/session.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { sha256 } from "../record/sha256.ts";
import type { LogProbOptions, LogProbOrTokens } from "./forward_pass.ts";
import { tensorsOf, type Values } from "./trained_parameters.ts";

/** Log-probabilities of completions under the reference, looked up by content. */
export interface Reference {
  /** log π_ref(y|x) of each completion of a row, in nats. */
  logProbs(row: TokenRow): readonly number[];
  /** log π_ref of each scored token of each of them. */
  tokenLogProbs(row: TokenRow): readonly (readonly number[])[];
}

/** Computes log-probabilities of each completion of each row. */
export type ComputeLogProbs = (
  rows: readonly TokenRow[],
  options?: Pick<LogProbOptions, "onPart">,
) => Promise<readonly (readonly LogProbOrTokens[])[]>;

/**
 * Computes the present reference of rows, each distinct completion once, so
 * that training never needs a second model.
 */
export async function computeReference(
  rows: readonly TokenRow[],
  compute: ComputeLogProbs,
): Promise<Reference> {
  const distinct = distinctRows(rows);
  return referenceOf(distinct, await compute(distinct));
}

/** The reference that gives each row's completions these log-probabilities. */
export function referenceOf(
  rows: readonly TokenRow[],
  logProbs: readonly (readonly LogProbOrTokens[])[],
): Reference {
  const known = new Map<string, LogProbOrTokens>();
  for (const [i, row] of rows.entries()) {
    completionKeys(row).forEach((key, k) => known.set(key, logProbs[i]![k]!));
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
    tokenLogProbs: (row) => completionKeys(row).map((key) => tokens(find(key))),
  };
}

function total(logProb: LogProbOrTokens): number {
  return typeof logProb === "number"
    ? logProb
    : logProb.reduce((a, b) => a + b, 0);
}

function tokens(logProb: LogProbOrTokens): readonly number[] {
  if (typeof logProb !== "number") return logProb;
  throw new RangeError(
    "Cannot look up tokens' reference log-probabilities: only their sum was computed",
  );
}

/**
 * A reference that follows the policy (TR-DPO,
 * https://arxiv.org/abs/2404.09656). It begins as the policy does.
 */
export class MovingReference {
  /** Its parameters; `null` while they are the policy's initial ones. */
  values: Values | null = null;

  /** @internal */
  constructor(
    private readonly policy: Policy,
    private readonly logProbsUnder: (
      parameters: Tensors,
    ) => ComputeLogProbs,
  ) {}

  /**
   * Moves to mix · θ + (1 − mix) · θ_ref, parameter by parameter: eq. 1 of the
   * paper, and for a mix of 1 eq. 2.
   */
  move(theta: Values, mix: number): void {
    const before = this.values ?? this.policy.initial;
    this.values = new Map(
      [...theta].map(([name, now]) => {
        const old = before.get(name)!;
        return [name, now.map((x, i) => mix * x + (1 - mix) * old[i]!)];
      }),
    );
  }

  /** Computes the present reference of these rows. */
  of(rows: readonly TokenRow[]): Promise<Reference> {
    const values = this.values ?? this.policy.initial;
    const parameters = tensorsOf(this.policy.trained, values);
    return computeReference(rows, this.logProbsUnder(parameters));
  }
}

/** Leaves out rows all of whose completions stand in earlier ones. */
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
  /** Told where the cache cannot be written, which costs time only. */
  onNote?: (text: string) => void;
  /** Everything except the rows that decides the log-probabilities. */
  identity: Readonly<Record<string, Json>>;
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
  { folder, identity, onNote }: CacheOptions,
): Promise<Reference> {
  const distinct = distinctRows(rows);
  const content = { ...identity, rows: hashExamples({ examples: distinct }) };
  const path = join(folder, `${sha256(canonicalJson(content))}.json`);
  const known = await readCached(path, distinct);
  if (known) return referenceOf(distinct, known);
  await Deno.mkdir(folder, { recursive: true })
    .catch((error: Error) => onNote?.(error.message));
  const parts = await Parts.open(`${path}l`, distinct, onNote);
  const logProbs = await parts.complete(compute);
  if (!logProbs.flat(2).every(Number.isFinite)) await parts.remove();
  assertFinite(logProbs);
  const text = JSON.stringify({ ...content, ...sealed(logProbs) });
  await writeTextAtomically(path, text)
    .then(() => parts.remove())
    .catch((error: Error) => onNote?.(error.message));
  return referenceOf(distinct, logProbs);
}

/** Log-probabilities of the first rows, a line a part, as they are computed. */
class Parts {
  private constructor(
    private readonly path: string,
    private readonly rows: readonly TokenRow[],
    /** Those of an earlier computation. */
    private readonly known: readonly LogProbOrTokens[][],
    private readonly onNote: ((text: string) => void) | undefined,
  ) {}

  /** Reads the parts that an interrupted computation left in a file. */
  static async open(
    path: string,
    rows: readonly TokenRow[],
    onNote?: (text: string) => void,
  ): Promise<Parts> {
    const text = await orNull(Deno.readTextFile(path)) ?? "";
    const known: LogProbOrTokens[][] = [];
    for (const line of text.split("\n")) {
      const { from, ...part } = parsedPart(line);
      const logProbs = opened(part);
      // Another process may have written the same rows, or a line was cut.
      if (from !== known.length || !Array.isArray(logProbs)) continue;
      const next = rows.slice(from, from + logProbs.length);
      if (isFor(next, logProbs)) known.push(...logProbs);
    }
    return new Parts(path, rows, known, onNote);
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
    await orNull(Deno.remove(this.path));
  }

  /** Appends parts, until the file cannot be written. */
  #writer(): NonNullable<LogProbOptions["onPart"]> {
    let from = this.known.length;
    let isWritable = true;
    return (logProbs) => {
      if (!isWritable) return;
      try {
        // A line break first: the line before may be cut.
        const line = `\n${JSON.stringify({ from, ...sealed(logProbs) })}`;
        Deno.writeTextFileSync(this.path, line, { append: true });
        from += logProbs.length;
      } catch (error) {
        isWritable = false;
        this.onNote?.(
          `Cannot cache the reference in ${this.path}: ${reasonOf(error)}`,
        );
      }
    };
  }
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
