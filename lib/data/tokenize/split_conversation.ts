import type { Message } from "../messages.ts";

/** Which of the assistant's turns are scored. */
export const SCORES = ["completion", "last", "all-turns"] as const;
/** One of {@linkcode SCORES}. */
export type Score = typeof SCORES[number];

/** A run of a completion's text. */
export interface Span {
  readonly text: string;
  readonly scored: boolean;
}

/** A row's text, cut; its parts one after another are what the template writes. */
export interface SplitRow {
  readonly prompt: string;
  readonly completions: readonly (readonly Span[])[];
  /** Whether the prompt ends before its generation prompt does. */
  readonly shifted?: boolean;
  /** Whether the template has left out what the system says. */
  readonly systemDropped?: boolean;
}

/** A row whose prompt does not end at a boundary between tokens. */
export class BoundaryError extends Error {
  /**
   * @param reason whether a token spans the boundary, or the template has
   * rewritten what stands before it.
   */
  constructor(readonly reason: "spanned" | "rewritten", message: string) {
    super(message);
  }
}

interface Options {
  /** Writes turns, with what introduces the assistant's next one or without. */
  render(turns: readonly Message[], addGenerationPrompt: boolean): string;
  /** The nearest place at or before one that is not inside a token. */
  outside(text: string, at: number): number;
  /** Whether a text is nothing but special tokens and white space. */
  isBlank(text: string): boolean;
  score: Score;
  /** Whether the prompt may end before its generation prompt does. */
  shift: boolean;
}

/**
 * Cuts the conversations of a row where the prompt ends, and completions of
 * several turns between what the assistant says, which is scored, and what
 * others say, which is not.
 *
 * A turn begins where the text of the turns before it ends, generation prompt
 * included, and ends where that of the turns up to it does. So the template
 * must write those turns as it writes them in the whole conversation.
 *
 * @throws BoundaryError where it does not: some leave out earlier thoughts, or
 * have the system message stand before the last question.
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
  const isDropped = prompt.some(({ role, content }) =>
    role === "system" && !opening.includes(content.trim())
  );
  return {
    prompt: opening.slice(0, end),
    completions: conversations.map((each) => each.spans(turn, end)),
    ...end < opening.length && { shifted: true },
    ...isDropped && { systemDropped: true },
  };
}

/** What a template makes of turns, and where they stand in it. */
class Conversation {
  readonly #text: string;

  constructor(
    private readonly turns: readonly Message[],
    private readonly options: Options,
  ) {
    this.#text = options.render(turns, false);
  }

  /**
   * Where the answer of a number begins, after what introduces it.
   *
   * @param before the text of the turns before it, generation prompt included.
   */
  startOf(turn: number, before = this.#upTo(turn, true)): number {
    if (this.#text.startsWith(before)) return before.length;
    if (!this.#text.startsWith(this.#upTo(turn, false))) {
      throw this.#rewritten(
        before,
        "writes the turns before an answer otherwise once it follows",
      );
    }
    if (this.options.shift) return this.#commonWith(before);
    throw this.#rewritten(
      before,
      "begins an answer otherwise than its generation prompt does",
    );
  }

  /** Text from a place in the prompt or at its end, by whether it is scored. */
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

  /** Numbers of the scored answers, of those from a turn on. */
  #scored(turn: number): number[] {
    const answers = this.turns.flatMap(({ role }, i) =>
      role === "assistant" && i >= turn ? [i] : []
    );
    return this.options.score === "last" ? answers.slice(-1) : answers;
  }

  /** Where an answer ends, with what ends every one. */
  #endOf(answer: number): number {
    if (answer === this.turns.length - 1) return this.#text.length;
    const upTo = this.#upTo(answer + 1, false);
    const end = this.#commonWith(upTo);
    if (this.options.isBlank(upTo.slice(end))) return end;
    throw this.#rewritten(
      upTo,
      "writes an answer otherwise once more turns follow",
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
