import { BoundaryError } from "./split_conversation.ts";
import {
  type EncodedRow,
  type EncodeOptions,
  encodeRow,
} from "./encode_row.ts";
import {
  type Counts,
  DROP_REASONS,
  type DropReason,
  type Example,
  type ExampleSet,
  type Touch,
} from "../example.ts";
import { type Limits, truncateRow } from "./truncate.ts";
import { SpecialEndsChecker } from "./special_ends.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { PreferenceRow, PreferenceRows } from "../preference_row.ts";

/** Options for {@linkcode RowTokenizer}. */
export interface TokenizeOptions extends EncodeOptions, Limits {
  /** `null` will do for rows of token ids. */
  readonly tokenizer: Tokenizer | null;
  /** What ids must be below: the rows of the model's embedding. */
  readonly vocabularySize: number;
}

/** Places that are kept of each kind of touched rows. */
const MOST_PLACES = 3;

/**
 * Tokenizes rows one by one, see `encodeRow()`, holds them to length limits,
 * see `truncateRow()`, and counts what happens to them. Rows of token ids are held
 * to the same limits and otherwise stay as they are.
 */
export class RowTokenizer {
  #rows = 0;
  readonly #counts = new Map<Touch, number>();
  readonly #places = new Map<Touch, string[]>();
  readonly #ends: SpecialEndsChecker;

  constructor(private readonly options: TokenizeOptions) {
    this.#ends = new SpecialEndsChecker(options.tokenizer, options);
  }

  /**
   * @returns `null` for a row that is left out.
   * @throws an error that names file and row: what `encodeRow()` throws, an id
   * outside the vocabulary, or a row that `truncate` does not allow.
   */
  tokenize(row: PreferenceRow): Example | null {
    const { options } = this;
    const { location } = row;
    this.#rows++;
    const encoded = this.#encode(row);
    if (encoded === null) return null;
    checkIds(encoded, { ...options, location });
    const { boundaryShifted, specialInText, systemDropped = false, ...ids } =
      encoded;
    const { label, weight } = row;
    const example = {
      ...ids,
      ...label === undefined ? {} : { label },
      ...weight === undefined ? {} : { weight },
    };
    const { prefix = [] } = options.tokenizer ?? {};
    const fitted = truncateRow(example, { ...options, prefix });
    if ("reason" in fitted) {
      const { reason, found, drop } = fitted;
      if (drop) return this.#drop(reason, location);
      throw new Error(
        `Cannot use ${location}: ${found} (truncate "${
          options.truncate ?? "end"
        }"; "end-or-drop" leaves such rows out)`,
      );
    }
    const { truncated, truncatedPrompt: truncatedPrompts } = fitted;
    const ends = this.#ends.read(fitted.row);
    this.#count({
      truncated,
      truncatedPrompts,
      boundaryShifted,
      systemDropped,
      specialInText: specialInText !== undefined,
      ...ends,
    }, location);
    return fitted.row;
  }

  /** Of the rows until now. */
  get counts(): Counts {
    const count = (touch: Touch) => this.#counts.get(touch) ?? 0;
    const known = this.#ends.terminators.size > 0;
    return {
      rows: this.#rows,
      dropped: Object.fromEntries(
        DROP_REASONS.map((reason) => [reason, count(reason)]),
      ) as Record<DropReason, number>,
      truncated: count("truncated"),
      truncatedPrompts: count("truncatedPrompts"),
      boundaryShifted: count("boundaryShifted"),
      unterminated: known ? count("unterminated") : null,
      doubledEos: known ? count("doubledEos") : null,
      withoutBos: count("withoutBos"),
      doubledBos: count("doubledBos"),
      specialInText: count("specialInText"),
      systemDropped: count("systemDropped"),
      places: Object.fromEntries(this.#places),
    };
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
    this.#count({ [reason]: true }, location);
    return null;
  }

  #count(
    touched: Partial<Record<Touch, number | boolean>>,
    location: string,
  ): void {
    for (const [name, times] of Object.entries(touched)) {
      if (Number(times) === 0) continue;
      const touch = name as Touch;
      this.#counts.set(touch, (this.#counts.get(touch) ?? 0) + Number(times));
      const places = this.#places.get(touch) ?? [];
      if (places.length < MOST_PLACES) places.push(location);
      this.#places.set(touch, places);
    }
  }
}

/** Options for {@linkcode tokenizeRows}. */
export interface TokenizeRowsOptions extends TokenizeOptions {
  /** Told what is wrong with a row, which is left out. @default it is thrown */
  readonly onBadRow?: (error: Error) => void;
}

/**
 * Tokenizes the rows of a file, see {@linkcode RowTokenizer}.
 *
 * @throws what that throws; also when no row is left.
 */
export function tokenizeRows(
  { kind, rows }: PreferenceRows,
  { onBadRow = rethrow, ...options }: TokenizeRowsOptions,
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

/** Why a row is left out, in words. */
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
  const told = DROP_REASONS.filter((reason) => dropped[reason] > 0);
  const bad = told.reduce((left, reason) => left - dropped[reason], rows);
  return [
    ...told.map((reason) => `${dropped[reason]} for ${REASONS[reason]}`),
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
