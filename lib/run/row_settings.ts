import {
  choice,
  grouped,
  integer,
  number,
  parsed,
  text,
  toggle,
} from "../cli/flag.ts";
import type { SettledValues } from "../cli/settings.ts";
import { rankedPairs } from "../data/convert/pairs.ts";
import { SCORES } from "../data/tokenize/split_conversation.ts";
import { SPECIALS } from "../data/tokenize/encode_options.ts";
import { BOUNDARIES } from "../data/tokenize/tokenize_spans.ts";
import type { TokenizeOptions } from "../data/tokenize/tokenize.ts";
import {
  DEFAULT_TRUNCATION,
  PROMPT_TRUNCATIONS,
  truncations,
} from "../data/tokenize/truncate.ts";
import { isObject } from "../files/values.ts";
import type { Json } from "../record/canonical_json.ts";

/** Heading of flags for rows. */
export const ROWS = "Rows";

/** Flags for reading rows. */
export const READING_FLAGS = grouped(ROWS, {
  format: text({
    help: "layout of the rows, if the first row does not show it, by name or " +
      "as a mapping of columns; `deno task data formats` lists both",
    placeholder: "NAME|MAPPING",
  }),
  skipBadRows: toggle({
    help: "leave out rows that cannot be read, and count them",
  }),
});

/** Flags for the length of rows. */
export const LENGTH_FLAGS = grouped(ROWS, {
  maxLength: integer({
    help: "most tokens of a prompt and a completion together; if absent, " +
      "1024 or the model's positions, whichever are fewer",
    min: 2,
  }),
  maxPromptLength: integer({
    help: "most tokens of a prompt: --prompt-truncation cuts longer ones, " +
      "--truncate decides about the rest",
    min: 1,
  }),
  truncate: choice(truncations, {
    help:
      "treatment of rows that are too long: end cuts completions at their " +
      "end and refuses rows whose prompt leaves no room or that have an empty " +
      "completion, end-or-drop leaves these out, drop leaves out all that do " +
      "not fit, error refuses them",
    default: DEFAULT_TRUNCATION,
  }),
});

/** Flags for tokenizing rows. */
export const TOKENIZING_FLAGS = grouped(ROWS, {
  promptTruncation: choice(PROMPT_TRUNCATIONS, {
    help: "end at which a prompt is cut if it is too long",
    default: "none",
  }),
  boundary: choice(BOUNDARIES, {
    help: "treatment of tokens that span the end of a prompt: separate takes " +
      "the ids of each side, shift gives the tokens to the completion",
    default: "separate",
  }),
  scoredTurns: choice(SCORES, {
    help: "assistant turns that the loss is taken over",
    default: "completion",
    recordedAs: "score",
  }),
  specials: choice(SPECIALS, {
    help: "reading of a special token that stands in the data; if absent, " +
      "text in messages and the token in plain texts",
  }),
  template: toggle({
    help: "put plain text through the model's chat template, prompts as " +
      "messages of the user and completions as answers; messages always are",
  }),
  templateName: text({
    help: "name of the chat template to use, if the model has several; if " +
      "absent, tool_use for rows with tools and default for others",
    placeholder: "NAME",
  }),
  templateOption: parsed({
    help: "options of the chat template, such as enable_thinking=false",
    placeholder: "NAME=JSON,…",
    expected: "NAME=JSON, or several of these with commas between",
    default: {},
    parse: parseTemplateOptions,
    is: isJsonObject,
    recordedAs: "templateOptions",
  }),
});

/** Flags for converting rows. */
export const CONVERSION_FLAGS = grouped("Conversions of rows, in this order", {
  pairs: choice(rankedPairs, { help: "make pairs of ranked lists" }),
  pairLabels: toggle({
    help: "make pairs of the desirable and undesirable completions of a prompt",
  }),
  flip: number({
    help: "share of the rows whose preference is reversed",
    min: 0,
    max: 1,
  }),
  softLabels: toggle({
    help: "give each pair both ways round, weighted by its votes",
  }),
  unpair: toggle({
    help: "make labelled completions of pairs, and shuffle them",
  }),
  keepDesirable: number({
    help: "share of the desirable completions to keep",
    min: 0,
    max: 1,
  }),
  keepUndesirable: number({
    help: "share of the undesirable completions to keep",
    min: 0,
    max: 1,
  }),
});

/** Settings of tokenization, as a record keeps them. */
export type TokenizingSettings = SettledValues<typeof TOKENIZING_FLAGS>;

/** Turns settings of tokenization into options of `RowTokenizer`. */
export function tokenizeOptions(
  { specials, templateName, ...settings }: TokenizingSettings,
): Omit<TokenizeOptions, "tokenizer" | "vocabularySize"> {
  return {
    ...settings,
    ...specials && { specials },
    ...templateName && { templateName },
  };
}

/** Reads `NAME=JSON,…`; a value that is no JSON is text. */
function parseTemplateOptions(list: string): Record<string, Json> | undefined {
  const parts = list.split(/,(?=[^,=]+=)/)
    .map((part) => part.match(/^([^=]+)=(.*)$/s));
  if (!parts.every((part) => part !== null)) return undefined;
  return Object.fromEntries(
    parts.map(([, name, value]) => [name!.trim(), jsonOrText(value!)]),
  );
}

function jsonOrText(value: string): Json {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function isJsonObject(value: unknown): value is Readonly<Record<string, Json>> {
  return isObject(value);
}
