import { type Example, lossLengths } from "../example.ts";

/**
 * Treatments of a row over a length limit or with an empty side. `cut`: a
 * completion that does not fit loses its end. `drop`: a row that cannot be used
 * is left out and counted; otherwise it is an error.
 */
const TRUNCATIONS: Record<Truncation, { cut: boolean; drop: boolean }> = {
  "end": { cut: true, drop: false },
  "end-or-drop": { cut: true, drop: true },
  "drop": { cut: false, drop: true },
  "error": { cut: false, drop: false },
};

/** Name of a treatment of rows over a limit. */
export type Truncation = "end" | "end-or-drop" | "drop" | "error";

/** Every {@linkcode Truncation}, for a parser of settings. */
export const truncations = Object.keys(TRUNCATIONS) as Truncation[];

/** The treatment where none is named. */
export const DEFAULT_TRUNCATION = "end-or-drop" satisfies Truncation;

/** Ends that a prompt over a limit can lose. */
export const PROMPT_TRUNCATIONS = ["none", "start", "end"] as const;
/** One of {@linkcode PROMPT_TRUNCATIONS}. */
export type PromptTruncation = typeof PROMPT_TRUNCATIONS[number];

/** Limits that rows are held to. */
export interface Limits {
  /** Most tokens of a prompt and one of its completions together. @default Infinity */
  readonly maxLength?: number;
  /** Most tokens of a prompt. @default Infinity */
  readonly maxPromptLength?: number;
  /**
   * `end` cuts completions that do not fit at their end, and takes a row that
   * this cannot help (a prompt that leaves no room, an empty prompt or
   * completion) for an error; `end-or-drop` leaves such rows out instead;
   * `drop` leaves out every row that does not fit as it is; `error` refuses
   * them all. The default does as TRL's `max_length` does
   * (https://huggingface.co/docs/trl/dpo_trainer).
   *
   * @default "end-or-drop"
   */
  readonly truncate?: Truncation;
  /**
   * End of a prompt that is cut where the prompt is too long or leaves too little
   * room: completions come first for up to half of `maxLength`. A BOS that the
   * tokenizer puts before every text stays. With `none`, `truncate` decides about
   * a prompt that does not fit.
   *
   * @default "none"
   */
  readonly promptTruncation?: PromptTruncation;
}

/** A row that fits, and the parts of it that were cut. */
export interface Truncated {
  readonly row: Example;
  readonly truncated: boolean;
  readonly truncatedPrompt: boolean;
}

/** Reasons for which a row does not fit. */
export const REJECTIONS = [
  "emptyPrompt",
  "emptyCompletion",
  "longPrompt",
  "longCompletion",
] as const;

/** A row that does not fit. */
export interface Rejected {
  readonly reason: typeof REJECTIONS[number];
  /** The reason in words. */
  readonly problem: string;
  /** Whether the row is left out rather than an error. */
  readonly drop: boolean;
}

/**
 * Cuts a row to its limits, if `truncate` and `promptTruncation` allow that.
 *
 * @param options.prefix ids that stand before every text.
 */
export function truncateRow(
  given: Example,
  {
    maxLength = Infinity,
    maxPromptLength = Infinity,
    truncate = DEFAULT_TRUNCATION,
    promptTruncation = "none",
    prefix = [],
  }: Limits & { prefix?: readonly number[] },
): Truncated | Rejected {
  const { cut, drop } = TRUNCATIONS[truncate];
  const limits = { maxLength, maxPromptLength };
  const empty = emptySide(given);
  if (empty) return { ...empty, drop };
  const whole = promptTruncation === "none"
    ? given
    : cutPrompt(given, { ...limits, promptTruncation, prefix });
  const long = tooLong(whole, { ...limits, cut });
  if (long) return { ...long, drop };
  const row = longest(whole) > maxLength ? cutEnds(whole, maxLength) : whole;
  const unsaid = lossLengths(row).indexOf(0);
  if (unsaid !== -1) {
    const problem = "nothing that is scored in a completion is left within " +
      `${maxLength} tokens`;
    return { reason: "longCompletion", problem, drop };
  }
  return {
    row,
    truncated: row !== whole,
    truncatedPrompt: whole.prompt.length < given.prompt.length,
  };
}

type Problem = Omit<Rejected, "drop">;
type Lengths = Required<Pick<Limits, "maxLength" | "maxPromptLength">>;

function emptySide(row: Example): Problem | null {
  if (row.prompt.length === 0) {
    const problem = "its prompt has no token, not even a BOS";
    return { reason: "emptyPrompt", problem };
  }
  if (lossLengths(row).includes(0)) {
    return { reason: "emptyCompletion", problem: "it has an empty completion" };
  }
  return null;
}

function tooLong(
  row: Example,
  { maxLength, maxPromptLength, cut }: Lengths & { cut: boolean },
): Problem | null {
  const { length } = row.prompt;
  if (length > maxPromptLength) {
    const problem =
      `its prompt has ${length} tokens, more than ${maxPromptLength}`;
    return { reason: "longPrompt", problem };
  }
  if (length >= maxLength) {
    const problem = `its prompt has ${length} tokens, ` +
      `which leaves no room for a completion within ${maxLength}`;
    return { reason: "longPrompt", problem };
  }
  if (longest(row) > maxLength && !cut) {
    const problem = `it has ${longest(row)} tokens, more than ${maxLength}`;
    return { reason: "longCompletion", problem };
  }
  return null;
}

/** Length of the prompt with the longest completion. */
function longest({ prompt, completions }: Example): number {
  return prompt.length + Math.max(...completions.map((ids) => ids.length));
}

function cutPrompt(
  row: Example,
  { maxLength, maxPromptLength, promptTruncation, prefix }:
    & Lengths
    & Required<Pick<Limits, "promptTruncation">>
    & { prefix: readonly number[] },
): Example {
  const { prompt } = row;
  const room = maxLength - (longest(row) - prompt.length);
  const most = Math.min(
    maxPromptLength,
    Math.max(room, Math.floor(maxLength / 2)),
  );
  if (prompt.length <= most) return row;
  if (promptTruncation === "end") {
    return { ...row, prompt: prompt.slice(0, most) };
  }
  const isPrefixed = prefix.every((id, i) => prompt[i] === id);
  const kept = isPrefixed && prefix.length < most ? prefix : [];
  const rest = prompt.slice(prompt.length - (most - kept.length));
  return { ...row, prompt: [...kept, ...rest] };
}

function cutEnds(row: Example, maxLength: number): Example {
  const room = maxLength - row.prompt.length;
  return {
    ...row,
    completions: row.completions.map((ids) => ids.slice(0, room)),
    ...row.lossMask &&
      { lossMask: row.lossMask.map((mask) => mask.slice(0, room)) },
  };
}
