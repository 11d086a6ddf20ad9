import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Tokens before a completion that its text is told by. */
const CONTEXT = 8;

/**
 * Text of a completion's ids, without special tokens.
 *
 * @param options.after ids of the text that it goes on with; none for an
 * answer that stands for itself. Tokenizers like Llama 2's leave out a space
 * at the beginning of what they decode, which belongs there after other text.
 */
export function completionText(
  ids: readonly number[],
  { tokenizer, after = [] }: {
    tokenizer: Pick<Tokenizer, "decode">;
    after?: readonly number[];
  },
): string {
  const decode = (ids: readonly number[]) =>
    tokenizer.decode(ids, { skipSpecialTokens: true });
  const before = after.slice(-CONTEXT);
  const [known, whole] = [decode(before), decode([...before, ...ids])];
  // A prompt may end within a character.
  return whole.startsWith(known) ? whole.slice(known.length) : decode(ids);
}

/** A text up to the first of some strings that it comes to, which is left out. */
export interface CutText {
  readonly text: string;
  /** Whether it has one of the strings. */
  readonly cut: boolean;
}

/** Cuts a text before the first of some strings. */
export function cutAtStop(text: string, stops: readonly string[]): CutText {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return found.length === 0
    ? { text, cut: false }
    : { text: text.slice(0, Math.min(...found)), cut: true };
}
