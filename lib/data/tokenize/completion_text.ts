import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Tokens before a completion that are decoded with it. */
const CONTEXT = 8;

/**
 * Text of a completion's ids, without special tokens.
 *
 * @param options.after ids of the text that the completion continues; none for
 * an answer by itself. Tokenizers like Llama 2's leave out a space
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

/** A text up to the first stop string in it, which is left out. */
export interface CutText {
  readonly text: string;
  /** Whether the text had a stop string. */
  readonly cut: boolean;
}

/** Cuts a text before the first stop string in it. */
export function cutAtStop(text: string, stops: readonly string[]): CutText {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return found.length === 0
    ? { text, cut: false }
    : { text: text.slice(0, Math.min(...found)), cut: true };
}
