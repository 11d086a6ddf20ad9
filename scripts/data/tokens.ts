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

/** How rows become ids. */
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
  const flags: Flags = TOKEN_FLAGS;
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
