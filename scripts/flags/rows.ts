import { rankedPairs } from "lib/data/convert/pairs.ts";
import { SCORES } from "lib/data/tokenize/split_conversation.ts";
import { SPECIALS } from "lib/data/tokenize/encode_row.ts";
import { PROMPT_TRUNCATIONS, truncations } from "lib/data/tokenize/truncate.ts";
import { BOUNDARIES } from "lib/data/tokenize/tokenize_spans.ts";
import type { Json } from "lib/record/canonical_json.ts";
import {
  choice,
  type Flag,
  type FlagValues,
  integer,
  kebab,
  number,
  text,
  toggle,
} from "lib/cli/verb.ts";
import { tokenizeOptions, type TokenizingSettings } from "lib/run/settings.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TokenizeOptions } from "lib/data/tokenize/tokenize.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { inputProgress } from "../train/download_progress.ts";
import { modelFolder } from "lib/run/models.ts";

export const ROWS = "Rows";
const CONVERTING = "Rows, changed in this order";

/** Flags of verbs that read rows. */
export const READING_FLAGS = {
  format: text({
    help: "their layout, where the first row does not tell it; " +
      "`deno task data formats` lists them",
    placeholder: "NAME",
    group: ROWS,
  }),
  skipBadRows: toggle({
    help: "leave rows out that cannot be read, and count them",
    group: ROWS,
  }),
} as const;

/** Flags of verbs that tokenize rows. */
export const TOKENIZING_FLAGS = {
  maxLength: integer({
    help: "most tokens of a prompt and a completion together; if absent " +
      "1024, or the model's positions where they are fewer",
    min: 2,
    group: ROWS,
  }),
  maxPromptLength: integer({
    help: "most tokens of a prompt",
    min: 1,
    group: ROWS,
  }),
  truncate: choice(truncations, {
    help: "what happens to examples that are too long",
    default: "end",
    group: ROWS,
  }),
  promptTruncation: choice(PROMPT_TRUNCATIONS, {
    help: "end of a prompt that is cut where it is too long",
    default: "none",
    group: ROWS,
  }),
  boundary: choice(BOUNDARIES, {
    help: "what to do where tokens span the end of a prompt: separate takes " +
      "the ids of each side, shift gives the tokens to the completion",
    default: "separate",
    group: ROWS,
  }),
  scoredTurns: choice(SCORES, {
    help: "the assistant's turns that count",
    default: "completion",
    group: ROWS,
  }),
  specials: choice(SPECIALS, {
    help: "what a special token is that somebody wrote; if absent text in " +
      "messages, and the token in plain texts",
    group: ROWS,
  }),
  templateOption: text({
    help: "what the chat template is told, such as enable_thinking=false",
    placeholder: "NAME=JSON,…",
    group: ROWS,
  }),
} as const;

/** Flags of verbs that change rows. */
export const CONVERSION_FLAGS = {
  pairs: choice(rankedPairs, {
    help: "pairs of ranked lists",
    group: CONVERTING,
  }),
  pairLabels: toggle({
    help: "pairs of desirable and undesirable completions of one prompt",
    group: CONVERTING,
  }),
  flip: number({
    help: "share of the rows that shall say the contrary",
    min: 0,
    max: 1,
    group: CONVERTING,
  }),
  softLabels: toggle({
    help: "pairs both ways round, weighted by their votes",
    group: CONVERTING,
  }),
  unpair: toggle({
    help: "labelled completions of pairs, mixed",
    group: CONVERTING,
  }),
  keepDesirable: number({
    help: "share of the desirable completions to keep",
    min: 0,
    max: 1,
    group: CONVERTING,
  }),
  keepUndesirable: number({
    help: "share of the undesirable completions to keep",
    min: 0,
    max: 1,
    group: CONVERTING,
  }),
} as const;

/** @throws Error that names the flag, for a template option without a value. */
export function tokenizingSettings(
  flags: Omit<
    FlagValues<typeof TOKENIZING_FLAGS>,
    "maxLength" | "maxPromptLength" | "truncate"
  >,
): TokenizingSettings {
  const { promptTruncation, boundary, specials = null } = flags;
  const { scoredTurns: score } = flags;
  const templateOptions = templateOptionsOf(flags.templateOption);
  return { promptTruncation, boundary, score, specials, templateOptions };
}

/** Values are JSON, or else the text that they are. */
export function templateOptionsOf(list = ""): Record<string, Json> {
  const parts = list === "" ? [] : list.split(/,(?=[^,=]+=)/);
  return Object.fromEntries(parts.map((part) => {
    const [, name, value] = part.match(/^([^=]+)=(.*)$/s) ?? [];
    if (name === undefined) {
      throw new Error(
        `Cannot read --template-option: found "${part}", expected NAME=JSON`,
      );
    }
    return [name.trim(), parsed(value!)];
  }));
}

function parsed(value: string): Json {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** How rows become ids. */
export const TOKEN_FLAGS = {
  model: text({
    help: "model whose tokenizer and chat template are used",
    placeholder: "DIR|GGUF|ID",
    group: ROWS,
  }),
  ...TOKENIZING_FLAGS,
  maxLength: {
    ...TOKENIZING_FLAGS.maxLength,
    help: "most tokens of a prompt and a completion together",
  },
} as const;

export type TokenSettings = FlagValues<typeof TOKEN_FLAGS>;

/** Options of `tokenizeRows()` besides a tokenizer. */
export function optionsOf(
  { maxLength, maxPromptLength, truncate, ...settings }: TokenSettings,
): Omit<TokenizeOptions, "tokenizer" | "vocabularySize"> {
  return {
    ...tokenizeOptions(tokenizingSettings(settings)),
    ...maxLength !== undefined && { maxLength },
    ...maxPromptLength !== undefined && { maxPromptLength },
    truncate,
  };
}

/**
 * How rows are tokenized: `null` without a model.
 *
 * @throws Error for flags that nothing would read without one.
 */
export async function openTokens(
  settings: TokenSettings,
): Promise<TokenizeOptions & { tokenizer: Tokenizer } | null> {
  const { model } = settings;
  if (model === undefined) {
    refuseTokenFlags(settings, "without --model");
    return null;
  }
  const tokenizer = await openTokenizer(model);
  const { vocabularySize } = tokenizer;
  return { tokenizer, vocabularySize, ...optionsOf(settings) };
}

/** @throws Error for a flag of tokenization that is not as it is by default. */
export function refuseTokenFlags(settings: TokenSettings, where: string): void {
  const flags: Readonly<Record<string, Flag>> = TOKEN_FLAGS;
  for (const [name, value] of Object.entries(settings)) {
    const flag = flags[name];
    if (!flag || flag.kind === "toggle" || flag.default === value) continue;
    throw new Error(
      `Cannot use --${kebab(name)} ${where}: only tokenization reads it`,
    );
  }
}

/** The tokenizer of a model, of which a local folder need hold nothing else. */
async function openTokenizer(model: string): Promise<Tokenizer> {
  const folder = existsSync(join(model, "tokenizer.json"))
    ? model
    : (await modelFolder(model, {
      only: "tokenizer",
      ...inputProgress(),
    })).folder;
  const tokenizer = await loadTokenizer(folder);
  if (tokenizer) return tokenizer;
  throw new Error(`Cannot use --model ${model}: expected a tokenizer.json`);
}
