import type { DataKind, Example } from "../example.ts";
import type { PreferenceRow, PreferenceRows } from "../preference_row.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { EncodeOptions } from "./encode_options.ts";
import { encodeRow } from "./encode_row.ts";
import { LeftOutFinder, type Part, PARTS } from "./left_out.ts";
import type { EncodedRow } from "./tokenize_spans.ts";
import { SpecialEndsChecker } from "./special_ends.ts";
import { BOUNDARY_REASONS, BoundaryError } from "./split_conversation.ts";
import {
  DEFAULT_TRUNCATION,
  type Limits,
  REJECTIONS,
  truncateRow,
} from "./truncate.ts";

/** Options of {@linkcode RowTokenizer}. */
export interface TokenizeOptions extends EncodeOptions, Limits {
  /** `null` will do for rows of token ids. */
  readonly tokenizer: Tokenizer | null;
  /** The number that ids must be below: the rows of the model's embedding. */
  readonly vocabularySize: number;
}

const DROP_REASONS = [...REJECTIONS, ...BOUNDARY_REASONS] as const;
type DropReason = typeof DROP_REASONS[number];

/** Events that are counted for rows that are kept, see {@linkcode Counts}. */
const KEPT_EVENTS = [
  "truncated",
  "truncatedPrompts",
  "boundaryShifted",
  "unterminated",
  "doubledEos",
  "withoutBos",
  "doubledBos",
  "specialInText",
] as const;

/** Something that tokenization does to a row or finds in it. */
export type RowEvent = DropReason | typeof KEPT_EVENTS[number] | Part;

/** Counts of rows on their way to examples. */
export interface Counts {
  /** Rows read, the dropped ones included. */
  readonly rows: number;
  /** Rows left out, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Rows kept with a completion cut at its end. */
  readonly truncated: number;
  /** Rows kept with a prompt cut. */
  readonly truncatedPrompts: number;
  /** Rows kept in which a token spans a boundary, see `encodeRow()`. */
  readonly boundaryShifted: number;
  /**
   * Completions kept whose scored tokens do not end in a terminator; `null`
   * when none is known.
   */
  readonly unterminated: number | null;
  /** Completions kept with a terminator twice in a row; `null` likewise. */
  readonly doubledEos: number | null;
  /** Rows kept without the BOS that the tokenizer puts before every text. */
  readonly withoutBos: number;
  /** Rows kept that begin with BOS twice. */
  readonly doubledBos: number;
  /** Rows kept with a special token written out in their contents. */
  readonly specialInText: number;
  /** Rows kept of which the chat template leaves a part out, by part. */
  readonly leftOut: Readonly<Partial<Record<Part, number>>>;
  /** Locations of the first few rows of each event. */
  readonly places: Readonly<Partial<Record<RowEvent, readonly string[]>>>;
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
  readonly #encoding: Parameters<typeof encodeRow>[2];

  constructor(private readonly options: TokenizeOptions) {
    this.#encoding = { ...options, leftOut: new LeftOutFinder() };
    this.#ends = new SpecialEndsChecker(options.tokenizer, options);
  }

  /**
   * @returns `null` for a row that is left out.
   * @throws Error that names file and row: what `encodeRow()` throws, an id
   * outside the vocabulary, or a row that `truncate` does not allow.
   */
  tokenize(row: PreferenceRow): Example | null {
    const { options } = this;
    const { location, label, weight, ratings } = row;
    this.#counter.addRow();
    const encoded = this.#encode(row);
    if (encoded === null) return null;
    checkIds(encoded, { ...options, location });
    const { boundaryShifted, specialInText, leftOut = [], ...ids } = encoded;
    const example = {
      ...ids,
      ...label === undefined ? {} : { label },
      ...weight === undefined ? {} : { weight },
      ...ratings === undefined ? {} : { ratings },
    };
    const { prefix = [] } = options.tokenizer ?? {};
    const result = truncateRow(example, { ...options, prefix });
    if ("reason" in result) {
      const { reason, problem, drop } = result;
      if (drop) return this.#drop(reason, location);
      throw new Error(
        `Cannot use ${location}: ${problem} (truncate "${
          options.truncate ?? DEFAULT_TRUNCATION
        }"; "end-or-drop" leaves such rows out)`,
      );
    }
    this.#counter.add({
      truncated: result.truncated,
      truncatedPrompts: result.truncatedPrompt,
      boundaryShifted,
      ...Object.fromEntries(leftOut.map((part) => [part, true])),
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
      return encodeRow(row, tokenizer, this.#encoding);
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
 * Tokenizes the rows of a file, see {@linkcode RowTokenizer}. The program is
 * given way now and then, so that it hears a signal meanwhile.
 *
 * @param options `onBadRow`: takes the error of a row, which is then left out;
 * without it the error is thrown. `onExample`: takes each example with its row.
 * @throws Error as `RowTokenizer` does, or where no row is left.
 */
export async function tokenizeRows(
  { kind, rows }: PreferenceRows,
  { onBadRow = rethrow, onExample, ...options }: TokenizeOptions & {
    readonly onBadRow?: (error: Error) => void;
    readonly onExample?: (example: Example, row: PreferenceRow) => void;
  },
): Promise<ExampleSet> {
  const tokenizer = new RowTokenizer(options);
  const examples: Example[] = [];
  let pausedAt = performance.now();
  for (const row of rows) {
    try {
      const example = tokenizer.tokenize(row);
      if (example) {
        examples.push(example);
        onExample?.(example, row);
      }
    } catch (error) {
      onBadRow(error as Error);
    }
    if (performance.now() - pausedAt < PAUSE_AFTER) continue;
    await new Promise((resolve) => setTimeout(resolve));
    pausedAt = performance.now();
  }
  const { counts } = tokenizer;
  if (examples.length > 0) return { kind, examples, counts };
  throw new Error(
    `Cannot use the rows from ${rows[0]?.location} on: ` +
      `all ${rows.length} were dropped, ${reasonsText(counts)}`,
  );
}

/** Milliseconds of work between two pauses. */
const PAUSE_AFTER = 100;

/** Most locations that are kept of each event. */
const MOST_PLACES = 3;

/** Counts rows and their events. */
class RowCounter {
  #rows = 0;
  readonly #counts = new Map<RowEvent, number>();
  readonly #places = new Map<RowEvent, string[]>();

  /** Counts a row that was read. */
  addRow(): void {
    this.#rows++;
  }

  /** Counts events of a row: each once, or as often as its number says. */
  add(
    events: Partial<Record<RowEvent, number | boolean>>,
    location: string,
  ): void {
    for (const [name, times] of Object.entries(events)) {
      if (Number(times) === 0) continue;
      const event = name as RowEvent;
      this.#counts.set(event, (this.#counts.get(event) ?? 0) + Number(times));
      const places = this.#places.get(event) ?? [];
      if (places.length < MOST_PLACES) places.push(location);
      this.#places.set(event, places);
    }
  }

  /** @param options `terminated`: whether any terminator is known. */
  counts({ terminated }: { terminated: boolean }): Counts {
    const counts = <E extends RowEvent>(events: readonly E[]) =>
      Object.fromEntries(
        events.map((event) => [event, this.#counts.get(event) ?? 0]),
      ) as Record<E, number>;
    return {
      rows: this.#rows,
      dropped: counts(DROP_REASONS),
      ...counts(KEPT_EVENTS),
      leftOut: counts(PARTS.filter((part) => this.#counts.has(part))),
      ...!terminated && { unterminated: null, doubledEos: null },
      places: Object.fromEntries(this.#places),
    };
  }
}

/** Reasons to leave a row out, in words. */
export const DROPPED: Readonly<Record<DropReason, string>> = {
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
    ...given.map((reason) => `${dropped[reason]} for ${DROPPED[reason]}`),
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
