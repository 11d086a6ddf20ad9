import type { Example, TokenRow } from "lib/data/example.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";

/**
 * Answers that no method trains on, to see where probability goes: `unrelated`
 * are chosen answers to another prompt, `repeated` the first half of the chosen
 * answer said twice, as degenerate policies repeat themselves.
 *
 * @see Ren and Sutherland, Learning Dynamics of LLM Finetuning,
 * https://arxiv.org/abs/2407.10490
 */
export interface Probes {
  readonly unrelated: readonly TokenRow[];
  readonly repeated: readonly TokenRow[];
}

/**
 * Probes of the first pairs of different prompts.
 *
 * @param most the largest number of prompts.
 */
export function probesOf(
  heldOut: readonly Example[],
  most: number,
): Probes {
  const byPrompt = Map.groupBy(heldOut, ({ prompt }) => prompt.join());
  const pairs = [...byPrompt.values()].map(([first]) => first!);
  const other = (i: number) =>
    pairs[(i + Math.ceil(pairs.length / 2)) % pairs.length]!;
  const probed = pairs.slice(0, most);
  return {
    unrelated: pairs.length < 2
      ? []
      : probed.map(({ prompt }, i) => ({ ...chosenOf(other(i)), prompt })),
    repeated: probed.filter(({ lossMask }) => !lossMask)
      .map(({ prompt, completions: [chosen] }) => ({
        prompt,
        completions: [saidTwice(chosen!)],
      })),
  };
}

function chosenOf({ prompt, completions, lossMask }: Example): TokenRow {
  const mask = lossMask && { lossMask: lossMask.slice(0, 1) };
  return { prompt, completions: completions.slice(0, 1), ...mask };
}

/** The first half of an answer twice, and its last token, which ends it. */
function saidTwice(ids: readonly number[]): number[] {
  const body = ids.slice(0, -1);
  const half = body.slice(0, Math.ceil(body.length / 2));
  return [...half, ...half, ids.at(-1)!];
}

/** Tokens of a piece of a control text. */
const PIECE = 256;

/**
 * A text as rows, to measure its perplexity: pieces of 256 tokens, each after
 * what the tokenizer begins texts with, or else after the text's first token.
 *
 * @throws Error without a tokenizer, and for a text of fewer than two tokens.
 */
export function controlRows(
  text: string,
  tokenizer: Tokenizer | null,
): TokenRow[] {
  const ids = tokenizer?.encode(text, { addSpecialTokens: false }) ?? [];
  if (tokenizer === null || ids.length < 2) {
    throw new Error(
      `Cannot measure the perplexity of a control text: found ${
        tokenizer ? `${ids.length} tokens` : "a model without a tokenizer"
      }, expected at least two tokens`,
    );
  }
  const { prefix } = tokenizer;
  const prompt = prefix.length > 0 ? prefix : ids.slice(0, 1);
  const scored = prefix.length > 0 ? ids : ids.slice(1);
  return Array.from({ length: Math.ceil(scored.length / PIECE) }, (_, i) => ({
    prompt,
    completions: [scored.slice(i * PIECE, (i + 1) * PIECE)],
  }));
}
