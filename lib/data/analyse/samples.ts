import type { Sample, Sequence } from "../../plot/data_page.ts";
import { type Example, lossLengths } from "../example.ts";
import type { Message } from "../messages.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { completionTexts, type PreferenceRow } from "../preference_row.ts";

/** Names of a row's completions, and whether each is wanted. */
function sides({ label, completions, ratings }: PreferenceRow) {
  if (label !== undefined) {
    return [{ side: label ? "desirable" : "undesirable", wanted: label }];
  }
  const pair = completions.length === 2 && ratings === undefined;
  return completions.map((_, rank) => ({
    side: pair ? ["chosen", "rejected"][rank]! : `rank ${rank + 1}`,
    wanted: rank === 0,
  }));
}

/** A sample of a row's text. */
export function textSample(row: PreferenceRow): Sample {
  const prompt = row.form === "chat" ? turnsText(row.prompt) : `${row.prompt}`;
  const texts = row.form === "ids"
    ? row.completions.map(String)
    : completionTexts(row);
  const sequence = (name: string, text: string, wanted: boolean | null) => ({
    name: `${name}, ${text.length} characters`,
    wanted: wanted === true,
    pieces: [{ text, scored: wanted !== null, special: false }],
  });
  return {
    location: row.location,
    prompt: sequence("prompt", prompt, null),
    completions: sides(row).map(({ side, wanted }, i) =>
      sequence(side, texts[i]!, wanted)
    ),
  };
}

/** A sample of a row's tokens, as training sees them. */
export function tokenSample(
  row: PreferenceRow,
  { prompt, completions, lossMask }: Example,
  tokenizer: Tokenizer,
): Sample {
  const scoredCounts = lossLengths({
    completions,
    ...lossMask && { lossMask },
  });
  const answers = sides(row).map(({ side, wanted }, k): Sequence => {
    const ids = completions[k]!;
    const count = scoredCounts[k] === ids.length
      ? ""
      : ` (${scoredCounts[k]} scored)`;
    return {
      name: `${side}, ${ids.length} tokens${count}`,
      wanted,
      // Decoded with the prompt: a piece may need what is before it.
      pieces: tokenPieces([...prompt, ...ids], tokenizer)
        .map((piece) => ({ ...piece, at: piece.end - prompt.length }))
        .filter(({ at }) => at >= 0)
        .map(({ text, special, at }) => ({
          text,
          special,
          scored: lossMask?.[k]?.[at] ?? true,
        })),
    };
  });
  return {
    location: row.location,
    prompt: {
      name: `prompt, ${prompt.length} tokens`,
      wanted: false,
      pieces: tokenPieces(prompt, tokenizer)
        .map(({ text, special }) => ({ text, special, scored: false })),
    },
    completions: answers,
  };
}

function turnsText(turns: readonly Message[]): string {
  return turns.map(({ role, content }) => `${role}: ${content}`).join("\n");
}

/** A piece of text that one token makes, or several tokens where they make one character. */
export interface TextPiece {
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
): TextPiece[] {
  const { decode } = tokenizer;
  const pieces: TextPiece[] = [];
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
