import type { DataKind, Example } from "../example.ts";
import type { PreferenceRow, PreferenceRows } from "../preference_row.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import {
  type EncodedRow,
  type EncodeOptions,
  encodeRow,
} from "./encode_row.ts";
import {
  type Counts,
  DROP_REASONS,
  type DropReason,
  RowCounter,
} from "./row_counts.ts";
import { SpecialEndsChecker } from "./special_ends.ts";
import { BoundaryError } from "./split_conversation.ts";
import { type Limits, truncateRow } from "./truncate.ts";

/** Options of {@linkcode RowTokenizer}. */
export interface TokenizeOptions extends EncodeOptions, Limits {
  /** `null` will do for rows of token ids. */
  readonly tokenizer: Tokenizer | null;
  /** The number that ids must be below: the rows of the model's embedding. */
  readonly vocabularySize: number;
}

/** The examples of one data file. */
export interface ExampleSet {
  readonly kind: DataKind;
  readonly examples: readonly Example[];
  readonly counts: Counts;
}

/**
 * Tokenizes rows one by one, see `encodeRow()`, holds them to length limits,
 * see `truncateRow()`, and counts what happens to them. Rows of token ids are
 * held to the same limits and otherwise stay as they are.
 */
export class RowTokenizer {
  readonly #counter = new RowCounter();
  readonly #ends: SpecialEndsChecker;

  constructor(private readonly options: TokenizeOptions) {
    this.#ends = new SpecialEndsChecker(options.tokenizer, options);
  }

  /**
   * @returns `null` for a row that is left out.
   * @throws Error that names file and row: what `encodeRow()` throws, an id
   * outside the vocabulary, or a row that `truncate` does not allow.
   */
  tokenize(row: PreferenceRow): Example | null {
    const { options } = this;
    const { location, label, weight } = row;
    this.#counter.addRow();
    const encoded = this.#encode(row);
    if (encoded === null) return null;
    checkIds(encoded, { ...options, location });
    const { boundaryShifted, specialInText, systemDropped = false, ...ids } =
      encoded;
    const example = {
      ...ids,
      ...label === undefined ? {} : { label },
      ...weight === undefined ? {} : { weight },
    };
    const { prefix = [] } = options.tokenizer ?? {};
    const result = truncateRow(example, { ...options, prefix });
    if ("reason" in result) {
      const { reason, problem, drop } = result;
      if (drop) return this.#drop(reason, location);
      throw new Error(
        `Cannot use ${location}: ${problem} (truncate "${
          options.truncate ?? "end"
        }"; "end-or-drop" leaves such rows out)`,
      );
    }
    this.#counter.add({
      truncated: result.truncated,
      truncatedPrompts: result.truncatedPrompt,
      boundaryShifted,
      systemDropped,
      specialInText: specialInText !== undefined,
      ...this.#ends.read(result.row),
    }, location);
    return result.row;
  }

  /** Counts of the rows so far. */
  get counts(): Counts {
    const terminated = this.#ends.terminators.size > 0;
    return this.#counter.counts({ terminated });
  }

  #encode(row: PreferenceRow): EncodedRow | null {
    const { tokenizer, boundary } = this.options;
    try {
      return encodeRow(row, tokenizer, this.options);
    } catch (error) {
      const { cause } = error as Error;
      if (boundary !== "drop" || !(cause instanceof BoundaryError)) throw error;
      return this.#drop(cause.reason, row.location);
    }
  }

  #drop(reason: DropReason, location: string): null {
    this.#counter.add({ [reason]: true }, location);
    return null;
  }
}

/**
 * Tokenizes the rows of a file, see {@linkcode RowTokenizer}.
 *
 * @param options `onBadRow`: takes the error of a row, which is then left out;
 * without it the error is thrown.
 * @throws Error as `RowTokenizer` does, or where no row is left.
 */
export function tokenizeRows(
  { kind, rows }: PreferenceRows,
  { onBadRow = rethrow, ...options }: TokenizeOptions & {
    readonly onBadRow?: (error: Error) => void;
  },
): ExampleSet {
  const tokenizer = new RowTokenizer(options);
  const examples = rows.flatMap((row) => {
    try {
      return tokenizer.tokenize(row) ?? [];
    } catch (error) {
      onBadRow(error as Error);
      return [];
    }
  });
  const { counts } = tokenizer;
  if (examples.length > 0) return { kind, examples, counts };
  throw new Error(
    `Cannot use the rows from ${rows[0]?.location} on: ` +
      `all ${rows.length} were dropped, ${reasonsText(counts)}`,
  );
}

/** Reasons to leave a row out, in words. */
const REASONS: Readonly<Record<DropReason, string>> = {
  emptyPrompt: "an empty prompt",
  emptyCompletion: "an empty completion",
  longPrompt: "a long prompt",
  longCompletion: "a long completion",
  spanned: "a token across the end of the prompt",
  rewritten: "a template that rewrites the prompt",
};

/** `1 for a long prompt, 2 that cannot be read`, of rows all left out. */
function reasonsText({ rows, dropped }: Counts): string {
  const given = DROP_REASONS.filter((reason) => dropped[reason] > 0);
  const bad = given.reduce((left, reason) => left - dropped[reason], rows);
  return [
    ...given.map((reason) => `${dropped[reason]} for ${REASONS[reason]}`),
    ...bad > 0 ? [`${bad} that cannot be used`] : [],
  ].join(", ");
}

function rethrow(error: Error): never {
  throw error;
}

function checkIds(
  { prompt, completions }: EncodedRow,
  { vocabularySize, location }: { vocabularySize: number; location: string },
): void {
  for (const ids of [prompt, ...completions]) {
    const wrong = ids.find((id) =>
      !Number.isInteger(id) || id < 0 || id >= vocabularySize
    );
    if (wrong === undefined) continue;
    throw new RangeError(
      `Cannot use ${location}: token id ${wrong} is not in the vocabulary; ` +
        `expected integers from 0 to ${vocabularySize - 1}`,
    );
  }
}
