import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** A piece of text that one token makes, or several where a character takes them. */
export interface Piece {
  readonly text: string;
  /** Index of its last token. */
  readonly end: number;
  /** Whether it is a special token, such as one that a template writes. */
  readonly special: boolean;
}

/**
 * The text of ids in pieces that follow the tokens. Each is what the text
 * grows by: decoders may drop the space before a token that stands alone.
 */
export function tokenPieces(
  ids: readonly number[],
  tokenizer: Pick<Tokenizer, "decode">,
): Piece[] {
  const { decode } = tokenizer;
  const pieces: Piece[] = [];
  let context = 0;
  let start = 0;
  for (const [i, id] of ids.entries()) {
    const end = i + 1;
    const next = ids[end];
    const before = decode(ids.slice(context, start));
    const after = decode(ids.slice(context, end));
    const unfinished = after.endsWith("\uFFFD") && end - start < LONGEST &&
      next !== undefined && !isSpecial(next, tokenizer);
    if (unfinished) continue;
    const special = end - start === 1 && isSpecial(id, tokenizer);
    pieces.push({ text: after.slice(before.length), end: i, special });
    [context, start] = [start, end];
  }
  return pieces;
}

/** Tokens that a character may take. */
const LONGEST = 8;

function isSpecial(
  id: number,
  { decode }: Pick<Tokenizer, "decode">,
): boolean {
  return decode([id]) !== "" &&
    decode([id], { skipSpecialTokens: true }) === "";
}
