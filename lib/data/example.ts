import { createHash } from "node:crypto";

/** A prompt with its continuations, as token ids. */
export interface TokenRow {
  /** Ids of the prompt. */
  readonly prompt: readonly number[];
  /** Ids of each continuation. */
  readonly completions: readonly (readonly number[])[];
  /**
   * Which tokens of each completion the loss counts: not those of other
   * speakers' turns. @default all
   */
  readonly lossMask?: readonly (readonly boolean[])[];
}

/**
 * A tokenized prompt with its completions: 2 for a pair (chosen, rejected),
 * 1 for labelled feedback, or a list ranked from best to worst.
 */
export interface Example extends TokenRow {
  /** Desirability of the single completion; absent for pairs and lists. */
  readonly label?: boolean;
  /** What the example's loss is multiplied by, at least 0. @default 1 */
  readonly weight?: number;
}

/** What the rows of a data file carry. */
export type DataKind = "pairs" | "labels" | "ranks";

/** What happened to the rows of a data file on their way to examples. */
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
  /** Rows kept in whose contents a special token is written out. */
  readonly specialInText: number;
  /** Rows kept whose chat template leaves out what the system says. */
  readonly systemDropped: number;
  /** The first few rows of each kind, by file and place. */
  readonly places: Readonly<Partial<Record<Touch, readonly string[]>>>;
}

/** Why a row can be left out. */
export const DROP_REASONS = [
  "emptyPrompt",
  "emptyCompletion",
  "longPrompt",
  "longCompletion",
  /** A token spans a boundary. */
  "spanned",
  /** The chat template has rewritten what stands before a boundary. */
  "rewritten",
] as const;
export type DropReason = typeof DROP_REASONS[number];

/** What can happen to a row. */
export type Touch =
  | DropReason
  | Exclude<keyof Counts, "rows" | "dropped" | "places">;

/** The examples of one data file. */
export interface ExampleSet {
  readonly kind: DataKind;
  readonly examples: readonly Example[];
  readonly counts: Counts;
}

type Completions = Pick<TokenRow, "completions" | "lossMask">;

/** How many tokens of each completion the loss counts. */
export function lossLengths({ completions, lossMask }: Completions): number[] {
  return completions.map(({ length }, k) =>
    lossMask?.[k]?.filter((counts) => counts).length ?? length
  );
}

/**
 * Which tokens of each completion are scored, 1 or 0 for each, as text to
 * compare and hash; empty for a completion that is scored as a whole.
 */
export function lossMaskKeys({ completions, lossMask }: Completions): string[] {
  return completions.map((_, k) => {
    const mask = lossMask?.[k] ?? [];
    return mask.includes(false) ? mask.map(Number).join("") : "";
  });
}

/**
 * SHA-256 in hexadecimal of a set's token ids, boundaries, labels and order:
 * of one JSON line `[prompt, completions, label or null]` an example; one in
 * which not all tokens are scored has for its fourth item a text of 1 and 0
 * for each completion, empty where all of its tokens are; one with a weight has
 * it for its fifth.
 */
export function hashExamples(
  { examples }: Pick<ExampleSet, "examples">,
): string {
  const hash = createHash("sha256");
  for (const example of examples) {
    const { prompt, completions, label = null, weight = 1 } = example;
    const marks = lossMaskKeys(example);
    const all = marks.every((mark) => mark === "");
    const rest = weight !== 1 ? [marks, weight] : all ? [] : [marks];
    const line = [prompt, completions, label, ...rest];
    hash.update(JSON.stringify(line) + "\n");
  }
  return hash.digest("hex");
}
