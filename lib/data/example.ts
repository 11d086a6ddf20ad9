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
  /** Factor of the example's loss, at least 0. @default 1 */
  readonly weight?: number;
  /** A rating of each completion, where the data have them. */
  readonly ratings?: readonly number[];
}

/** Kind of preference that the rows of a data file state. */
export type DataKind = "pairs" | "labels" | "ranks";

type Completions = Pick<TokenRow, "completions" | "lossMask">;

/** Number of tokens of each completion that the loss counts. */
export function lossLengths({ completions, lossMask }: Completions): number[] {
  return completions.map(({ length }, k) =>
    lossMask?.[k]?.filter((counts) => counts).length ?? length
  );
}

/**
 * Whether two completions are equal for a model: the same tokens, of which the
 * loss counts the same. A pair of them has no signal.
 */
export function hasEqualCompletions(example: Completions): boolean {
  const { completions } = example;
  return completions.some((ids, k) =>
    completions.slice(0, k).some((other, j) =>
      other.length === ids.length && ids.every((id, i) => id === other[i]) &&
      new Set([j, k].map((side) => lossMaskKeys(example)[side])).size === 1
    )
  );
}

/**
 * The loss mask of each completion as text to compare and hash: 1 or 0 for each
 * token, or empty where the loss counts all of them.
 */
export function lossMaskKeys({ completions, lossMask }: Completions): string[] {
  return completions.map((_, k) => {
    const mask = lossMask?.[k] ?? [];
    return mask.includes(false) ? mask.map(Number).join("") : "";
  });
}

/**
 * SHA-256 in hexadecimal of the token ids, boundaries, labels and order of
 * examples: of one JSON line `[prompt, completions, label or null]` an example.
 * The fourth item of a line, where the loss does not count all tokens, is
 * {@linkcode lossMaskKeys}; the fifth, where there is one, is the weight; the
 * sixth is the ratings, which count only where a loss reads them.
 */
export function hashExamples(
  { examples, withRatings = false }: {
    readonly examples: readonly Example[];
    readonly withRatings?: boolean;
  },
): string {
  const hash = createHash("sha256");
  for (const example of examples) {
    const { prompt, completions, label = null, weight = 1 } = example;
    const marks = lossMaskKeys(example);
    const all = marks.every((mark) => mark === "");
    const rest = withRatings
      ? [marks, weight, example.ratings ?? null]
      : weight !== 1
      ? [marks, weight]
      : all
      ? []
      : [marks];
    const line = [prompt, completions, label, ...rest];
    hash.update(JSON.stringify(line) + "\n");
  }
  return hash.digest("hex");
}
