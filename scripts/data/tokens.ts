import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Flags, type FlagValues, kebab, text } from "lib/cli/flag.ts";
import { settle } from "lib/cli/settings.ts";
import type { TokenizeOptions } from "lib/data/tokenize/tokenize.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { modelFolder } from "lib/run/models.ts";
import {
  LENGTH_FLAGS,
  ROWS,
  tokenizeOptions,
  TOKENIZING_FLAGS,
} from "lib/run/row_settings.ts";
import { inputProgress } from "../train/download_progress.ts";

/** Flags for tokenizing rows with a model's tokenizer. */
export const TOKEN_FLAGS = {
  model: text({
    help: "model whose tokenizer and chat template are used",
    placeholder: "DIR|GGUF|ID",
    group: ROWS,
  }),
  ...LENGTH_FLAGS,
  maxLength: {
    ...LENGTH_FLAGS.maxLength,
    help: "most tokens of a prompt and a completion together",
  },
  ...TOKENIZING_FLAGS,
} as const;

export type TokenSettings = FlagValues<typeof TOKEN_FLAGS>;

/** Options of `tokenizeRows()` besides a tokenizer. */
export function optionsOf(
  { maxLength, maxPromptLength, truncate, ...settings }: TokenSettings,
): Omit<TokenizeOptions, "tokenizer" | "vocabularySize"> {
  return {
    ...tokenizeOptions(settle(TOKENIZING_FLAGS, settings)),
    ...maxLength !== undefined && { maxLength },
    ...maxPromptLength !== undefined && { maxPromptLength },
    truncate,
  };
}

/**
 * Options of tokenization with the tokenizer; `null` without a model.
 *
 * @throws Error for flags that only tokenization reads, without a model.
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

/** @throws Error for a flag of tokenization that has not its default. */
export function refuseTokenFlags(
  settings: TokenSettings,
  context: string,
): void {
  const flags: Flags = TOKEN_FLAGS;
  for (const [name, value] of Object.entries(settings)) {
    const flag = flags[name];
    const usual = flag?.kind === "toggle" ? false : flag?.default;
    if (!flag || value === usual) continue;
    throw new Error(
      `Cannot use --${kebab(name)} ${context}: only tokenization reads it`,
    );
  }
}

/** The tokenizer of a model; a local folder need hold nothing else. */
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
