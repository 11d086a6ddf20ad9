import type { Message } from "../messages.ts";

/** Choices of the assistant's turns to score. */
export const SCORES = ["completion", "last", "all-turns"] as const;
/** One of {@linkcode SCORES}. */
export type Score = typeof SCORES[number];

/** A run of a completion's text. */
export interface Span {
  readonly text: string;
  readonly scored: boolean;
}

/** A row's text in spans, which make up the template's text one after another. */
export interface SplitRow {
  readonly prompt: string;
  readonly completions: readonly (readonly Span[])[];
  /** Whether the prompt ends before its generation prompt does. */
  readonly shifted?: boolean;
}

/**
 * Reasons for which a row has no boundary: a token spans it, or the chat template
 * has rewritten the text before it.
 */
export const BOUNDARY_REASONS = ["spanned", "rewritten"] as const;

/** A row whose prompt does not end at a boundary between tokens. */
export class BoundaryError extends Error {
  constructor(
    readonly reason: typeof BOUNDARY_REASONS[number],
    message: string,
  ) {
    super(message);
  }
}

interface Options {
  /** Writes turns, with or without the prompt for the assistant's next one. */
  render(turns: readonly Message[], addGenerationPrompt: boolean): string;
  /** The nearest index at or before `at` that is not inside a token. */
  outside(text: string, at: number): number;
  /** Whether a text has only special tokens and white space. */
  isBlank(text: string): boolean;
  score: Score;
  /** Whether the prompt may end before its generation prompt does. */
  shift: boolean;
}

/**
 * Splits the conversations of a row where the prompt ends, and completions of
 * several turns between the assistant's turns, which are scored, and those of
 * others, which are not.
 *
 * A turn begins where the text of the turns before it ends, generation prompt
 * included, and ends where that of the turns up to it does. So the template
 * must write those turns as it writes them in the whole conversation.
 *
 * @throws BoundaryError where it does not: some templates leave out earlier
 * thoughts, or move the system message before the last question.
 */
export function splitConversation(
  prompt: readonly Message[],
  completions: readonly (readonly Message[])[],
  options: Options,
): SplitRow {
  const first = options.score === "all-turns"
    ? prompt.findIndex(({ role }, i) => role === "assistant" && i > 0)
    : -1;
  const turn = first === -1 ? prompt.length : first;
  const opening = options.render(prompt.slice(0, turn), true);
  const conversations = completions.map((answer) =>
    new Conversation([...prompt, ...answer], options)
  );
  const ends = conversations.map((each) => each.startOf(turn, opening));
  const end = Math.min(opening.length, ...ends);
  return {
    prompt: opening.slice(0, end),
    completions: conversations.map((each) => each.spans(turn, end)),
    ...end < opening.length && { shifted: true },
  };
}

/** The text that a template makes of turns, and the indices of the turns in it. */
class Conversation {
  readonly #text: string;

  constructor(
    private readonly turns: readonly Message[],
    private readonly options: Options,
  ) {
    this.#text = options.render(turns, false);
  }

  /**
   * The index at which an answer begins, after its generation prompt.
   *
   * @param before the text of the turns before it, generation prompt included.
   */
  startOf(turn: number, before = this.#upTo(turn, true)): number {
    if (this.#text.startsWith(before)) return before.length;
    if (!this.#text.startsWith(this.#upTo(turn, false))) {
      throw this.#rewritten(
        before,
        "writes the turns before an answer differently once it follows",
      );
    }
    if (this.options.shift) return this.#commonWith(before);
    throw this.#rewritten(
      before,
      "begins an answer differently than its generation prompt does",
    );
  }

  /** The spans of the text from an index in the prompt or at its end. */
  spans(turn: number, from: number): Span[] {
    const spans: Span[] = [];
    let at = from;
    const add = (end: number, scored: boolean) => {
      if (end > at) spans.push({ text: this.#text.slice(at, end), scored });
      at = Math.max(at, end);
    };
    for (const answer of this.#scored(turn)) {
      if (answer > turn) add(this.startOf(answer), false);
      add(this.#endOf(answer), true);
    }
    add(this.#text.length, false);
    return spans;
  }

  /** Turns of the scored answers, from a turn on. */
  #scored(turn: number): number[] {
    const answers = this.turns.flatMap(({ role }, i) =>
      role === "assistant" && i >= turn ? [i] : []
    );
    return this.options.score === "last" ? answers.slice(-1) : answers;
  }

  /** The index at which an answer ends, with its terminator. */
  #endOf(answer: number): number {
    if (answer === this.turns.length - 1) return this.#text.length;
    const upTo = this.#upTo(answer + 1, false);
    const end = this.#commonWith(upTo);
    if (this.options.isBlank(upTo.slice(end))) return end;
    throw this.#rewritten(
      upTo,
      "writes an answer differently once more turns follow",
    );
  }

  #upTo(turn: number, addGenerationPrompt: boolean): string {
    const { turns, options } = this;
    return options.render(turns.slice(0, turn), addGenerationPrompt);
  }

  #commonWith(text: string): number {
    const { outside } = this.options;
    const common = commonLength(text, this.#text);
    return outside(text, outside(this.#text, common));
  }

  #rewritten(text: string, what: string): BoundaryError {
    const at = commonLength(text, this.#text);
    const [before, after] = [text, this.#text].map((text) =>
      JSON.stringify(text.slice(at, at + 30))
    );
    return new BoundaryError(
      "rewritten",
      `the chat template ${what}: ${before} becomes ${after}`,
    );
  }
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
