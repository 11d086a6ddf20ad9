import type { Message } from "lib/data/messages.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { fixture } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** Names of the models whose templates are among the fixtures. */
export const MODELS = [
  "chatml",
  "gemma_2",
  "gemma_3",
  "llama_3",
  "llama_3_1",
  "llama_3_2",
  "mistral_v0_3",
  "phi_3",
  "qwen_2_5",
  "qwen_3",
  "zephyr",
] as const;
export type Model = typeof MODELS[number];

export interface Conversation {
  readonly name: string;
  readonly messages: Message[];
  readonly tools?: unknown[];
}

/** What Python makes of a conversation; templates.py says more. */
export interface Rendering {
  readonly conversation: string;
  readonly variables?: Record<string, boolean>;
  readonly prompt: boolean;
  readonly bytes: number;
  readonly sha256: string;
  readonly ids: readonly number[] | string;
  readonly text?: string;
  readonly error?: { readonly message: string };
}

export const CONVERSATIONS: readonly Conversation[] = JSON.parse(
  readFixture("conversations.json"),
);

export function readFixture(path: string): string {
  return Deno.readTextFileSync(fixture(`tokenization/${path}`));
}

export function renderings(model: Model): Rendering[] {
  const lines = readFixture(`rendered/${model}.jsonl`).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** The tokenizer and template of a model, as if from its folder. */
export async function fixtureTokenizer(model: Model): Promise<Tokenizer> {
  const { tokenizer, tokenizer_json: over, tokenizer_config: config } = JSON
    .parse(readFixture(`templates/${model}.json`));
  const base = JSON.parse(readFixture(`tokenizers/${tokenizer}.json`));
  let next = Object.keys(base.model.vocab).length;
  const added = over.added_tokens.map((token: { content: string }) => ({
    normalized: false,
    ...token,
    id: base.model.vocab[token.content] ?? next++,
  }));
  using folder = temporaryFolder();
  const write = (name: string, value: unknown) =>
    Deno.writeTextFile(`${folder.path}/${name}`, JSON.stringify(value));
  await write("tokenizer_config.json", config);
  await write("tokenizer.json", {
    ...base,
    ...over,
    ...Object.fromEntries([["added_tokens", added]]),
  });
  return (await loadTokenizer(folder.path))!;
}
