import { assertUnmarked } from "../tokenizer/added_tokens.ts";
import { encodeChat } from "./encode_chat.ts";
import type { LeftOutFinder } from "./left_out.ts";
import type { EncodeOptions, Specials } from "./encode_options.ts";
import { type EncodedRow, tokenizeSpans } from "./tokenize_spans.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { reasonOf } from "../../files/values.ts";
import type { PreferenceRow } from "../preference_row.ts";

/**
 * Tokenizes a row, with the boundary between its prompt and its completions.
 *
 * Text has the tokenizer's BOS once and an EOS at its end; a conversation has
 * what the chat template gives it, and so has text where `template` says so; an
 * empty answer has no ids.
 *
 * @param options.leftOut finds the parts that a template leaves out; one for all
 * rows of a template spares work. @default a new one
 * @throws an error that names file and row when the model has no tokenizer,
 * template or EOS for it, or when the template refuses it or leaves out all that
 * a completion says; its cause is a BoundaryError where `boundary` or the
 * template allows no boundary.
 */
export function encodeRow(
  row: PreferenceRow,
  tokenizer: Tokenizer | null,
  options: EncodeOptions & { readonly leftOut?: LeftOutFinder } = {},
): EncodedRow {
  if (row.form === "ids") {
    const { prompt, completions, lossMask } = row;
    const ids = { prompt, completions, ...lossMask && { lossMask } };
    return { ...ids, boundaryShifted: false };
  }
  try {
    if (tokenizer === null) {
      throw new Error("expected a tokenizer.json in the model folder");
    }
    if (row.form === "chat") return encodeChat(row, tokenizer, options);
    return options.template
      ? encodeChat(conversationOf(row), tokenizer, options)
      : encodeText(row, tokenizer, options);
  } catch (cause) {
    throw new Error(`Cannot tokenize ${row.location}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

type TextRow = PreferenceRow & { form: "text" };
type ChatRow = PreferenceRow & { form: "chat" };

/** A row of text as a question of the user and answers of the assistant. */
function conversationOf({ prompt, completions, ...row }: TextRow): ChatRow {
  if (prompt.trim() === "") {
    throw new Error(
      "expected a prompt, for the chat template to put as a message",
    );
  }
  return {
    ...row,
    form: "chat",
    prompt: [{ role: "user", content: prompt }],
    completions: completions.map((content) => [{ role: "assistant", content }]),
  };
}

function encodeText(
  { prompt, completions }: TextRow,
  tokenizer: Tokenizer,
  { specials = "token", boundary = "separate" }: EncodeOptions,
): EncodedRow {
  const { bosId, eosId, prefix } = tokenizer;
  if (eosId === null) {
    throw new Error(
      "expected an eos_token in tokenizer_config.json, to end text",
    );
  }
  const given = (text: string) => asGiven(text, specials, tokenizer);
  const row = tokenizeSpans({
    prompt: given(prompt),
    completions: completions.map((text) => [
      { text: given(text), scored: true },
    ]),
  }, { tokenizer, boundary });
  return {
    ...row,
    // The text may have the BOS written out.
    prompt: row.prompt[0] === bosId ? row.prompt : [...prefix, ...row.prompt],
    completions: row.completions.map((ids, i) => {
      if (completions[i] === "") return [];
      return ids.at(-1) === eosId ? ids : [...ids, eosId];
    }),
    ...specialIn(withoutEnds(prompt, completions, tokenizer), tokenizer),
  };
}

/** Texts without the BOS and EOS that they may begin and end with. */
function withoutEnds(
  prompt: string,
  completions: readonly string[],
  { bosId, eosId, decode }: Tokenizer,
): string[] {
  const [bos, eos] = [bosId, eosId].map((id) =>
    id === null ? "" : decode([id])
  );
  return [
    prompt.startsWith(bos!) ? prompt.slice(bos!.length) : prompt,
    ...completions.map((text) =>
      text.endsWith(eos!) ? text.slice(0, text.length - eos!.length) : text
    ),
  ];
}

/** A text from outside, marked for the tokenizer where special tokens stay text. */
function asGiven(
  text: string,
  specials: Specials,
  { tokenTexts }: Tokenizer,
): string {
  if (specials === "text") return tokenTexts.mark(text);
  assertUnmarked(text);
  return text;
}

function specialIn(
  contents: readonly string[],
  { tokenTexts }: Tokenizer,
): { specialInText?: string } {
  for (const text of contents) {
    const [found] = tokenTexts.specials(text);
    if (found !== undefined) return { specialInText: found };
  }
  return {};
}
