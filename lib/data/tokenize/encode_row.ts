import { assertUnmarked } from "../tokenizer/added_tokens.ts";
import type { TemplateInputs } from "../tokenizer/chat_template.ts";
import {
  type Score,
  splitConversation,
  type SplitRow,
} from "./split_conversation.ts";
import {
  type Boundary,
  type EncodedRow,
  tokenizeSpans,
} from "./tokenize_spans.ts";
import type { Message } from "../messages.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { isObject, reasonOf } from "../../files/values.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** Readings of a special token that is written out in contents. */
export const SPECIALS = ["text", "token"] as const;
/** One of {@linkcode SPECIALS}. */
export type Specials = typeof SPECIALS[number];

/** Options for {@linkcode encodeRow}. */
export interface EncodeOptions extends Omit<TemplateInputs, "tools"> {
  /**
   * Policy for a row whose ids of prompt and completion together do not begin
   * with those of the prompt (`"is "` + `"so"` has the token `" so"`).
   * `separate` takes the ids of each apart, as they meet when a model continues
   * a prompt. `shift` takes those of both together: the prompt loses its
   * last tokens, for all completions of the row, and the merged ones are
   * scored. `drop` and `error` refuse the row.
   *
   * @default "separate"
   */
  readonly boundary?: Boundary;
  /**
   * Turns of the assistant to score: those of the `completion`, its `last` one
   * alone, or `all-turns`, which are those of the prompt too, except a turn that
   * has nothing before it.
   *
   * @default "completion"
   */
  readonly score?: Score;
  /**
   * Whether a special token that is written out, `<|im_end|>`, stays text or
   * becomes the token. By default messages are data, and only the template
   * writes tokens; text without a template may have them written out.
   *
   * @default "text" for messages, "token" for text
   */
  readonly specials?: Specials;
}

/**
 * Tokenizes a row, with the boundary between its prompt and its completions.
 *
 * Text has the tokenizer's BOS once and an EOS at its end; a conversation has
 * what the chat template gives it; an empty answer has no ids.
 *
 * @throws an error that names file and row when the model has no tokenizer,
 * template or EOS for it, or when the template refuses it; its cause is a
 * BoundaryError where `boundary` or the template allows no boundary.
 */
export function encodeRow(
  row: PreferenceRow,
  tokenizer: Tokenizer | null,
  options: EncodeOptions = {},
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
    return row.form === "text"
      ? encodeText(row, tokenizer, options)
      : encodeChat(row, tokenizer, options);
  } catch (cause) {
    throw new Error(`Cannot tokenize ${row.location}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

type TextRow = PreferenceRow & { form: "text" };
type ChatRow = PreferenceRow & { form: "chat" };

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

function encodeChat(
  { prompt, completions, tools, templateOptions }: ChatRow,
  tokenizer: Tokenizer,
  options: EncodeOptions,
): EncodedRow {
  const { boundary = "separate", specials = "text" } = options;
  const contents: string[] = [];
  const row = { prompt, completions, ...tools && { tools } };
  const given = mapTexts(row, (text) => {
    contents.push(text);
    return asGiven(text, specials, tokenizer);
  });
  const spans = spansOf(given, tokenizer, {
    ...options,
    templateOptions: { ...options.templateOptions, ...templateOptions },
    boundary,
  });
  // The template writes BOS itself.
  const joined = tokenizeSpans(spans, { tokenizer, boundary });
  const silent = completions.map(saysNothing);
  return {
    ...joined,
    completions: joined.completions.map((ids, i) => silent[i] ? [] : ids),
    ...joined.lossMask &&
      { lossMask: joined.lossMask.map((mask, i) => silent[i] ? [] : mask) },
    ...specialIn(contents, tokenizer),
    ...spans.systemDropped && { systemDropped: true },
  };
}

function spansOf(
  { prompt, completions, tools }: Pick<
    ChatRow,
    "prompt" | "completions" | "tools"
  >,
  { chatTemplate, tokenTexts }: Tokenizer,
  { boundary, score = "completion", ...inputs }: EncodeOptions,
): SplitRow {
  if (chatTemplate === null) {
    throw new Error(
      "messages need a chat template, and the model folder has none " +
        "(chat_template.jinja, or chat_template in tokenizer_config.json)",
    );
  }
  return splitConversation(prompt, completions, {
    render: (turns, addGenerationPrompt) =>
      chatTemplate.render(turns, { addGenerationPrompt, tools, ...inputs }),
    outside: (text, at) => tokenTexts.outside(text, at),
    isBlank: (text) => tokenTexts.isBlank(text),
    score,
    shift: boundary === "shift",
  });
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

/** A value with each text in it changed. */
function mapTexts<T>(value: T, change: (text: string) => string): T;
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]),
  );
}

function specialIn(
  contents: readonly string[],
  { tokenTexts }: Tokenizer,
): { specialInText?: string } {
  for (const text of contents) {
    const found = tokenTexts.special(text);
    if (found !== null) return { specialInText: found };
  }
  return {};
}

function saysNothing(messages: readonly Message[]): boolean {
  return messages.every(({ role, content, tool_calls }) =>
    role !== "assistant" || (content === "" && !tool_calls)
  );
}
