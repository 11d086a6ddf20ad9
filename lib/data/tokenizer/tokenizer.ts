import * as huggingface from "@huggingface/tokenizers";
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import {
  additionalTemplates,
  TEMPLATES,
} from "../../files/additional_templates.ts";
import { parseJson, readText } from "../../files/read_json.ts";
import { type AddedToken, TokenTexts } from "./added_tokens.ts";
import { around, type EncodedPair, joinPair } from "./around.ts";
import { type ChatTemplate, chatTemplate } from "./chat_template.ts";
import { checkTokenizer } from "./check_tokenizer.ts";
import type { Merging, Step } from "./pre_tokenizer.ts";
import { TextToIds } from "./text_to_ids.ts";
import { isObject, reasonOf } from "../../files/values.ts";

/** A model's tokenizer. */
export interface Tokenizer {
  /** Size of the id range: one more than the largest id. */
  readonly vocabularySize: number;
  /** Id of the token that begins a text; `null` without one. */
  readonly bosId: number | null;
  /** Id of the token that ends a text; `null` without one. */
  readonly eosId: number | null;
  /** Id of the padding token; `null` without one. */
  readonly padId: number | null;
  /** Ids that belong before every text: the BOS token, or nothing. */
  readonly prefix: readonly number[];
  /** The model's chat template; `null` where its folder has none. */
  readonly chatTemplate: ChatTemplate | null;
  /** SHA-256 of the files that decide how text becomes ids, in hexadecimal. */
  readonly hash: string;
  /**
   * Ids of a text. Special tokens written out in the text become their ids.
   *
   * @param options.addSpecialTokens whether to add those that the tokenizer
   * puts around a text, such as BOS. @default true
   */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /**
   * Ids of each part of a text, encoded apart: no token spans a boundary, and
   * only the first part gets the space that some tokenizers begin a text with.
   */
  encodeParts(parts: readonly string[]): number[][];
  /**
   * Ids of two texts with the special tokens that belong around and between
   * them, as classifiers read pairs.
   *
   * @param options.maxLength most ids; the first text loses its start where
   * there are more. @default Infinity
   * @throws RangeError where even that leaves too many.
   */
  encodePair(
    first: string,
    second: string,
    options?: { maxLength?: number },
  ): EncodedPair;
  /** Finds and marks its tokens that are written out in texts. */
  readonly tokenTexts: TokenTexts;
  /**
   * Text of ids.
   *
   * @param options.skipSpecialTokens whether to leave special tokens out. @default false
   */
  decode(
    ids: readonly number[],
    options?: { skipSpecialTokens?: boolean },
  ): string;
}

/** Files of a model folder that decide how text becomes ids, besides named templates. */
const FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "chat_template.json",
] as const;

type Json = Record<string, unknown>;

/**
 * Loads the tokenizer and the chat template of a model folder. The time and the
 * memory that its files can take are bounded, except for regular expressions:
 * those that may take exponential time are refused, others run as they are.
 *
 * @returns `null` where the folder has no tokenizer.json: rows that are
 * already tokenized need none.
 * @throws an error that names the folder when its files cannot be used.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer | null> {
  const files = await readFiles(folder);
  if (!files.has("tokenizer.json")) return null;
  try {
    return tokenizer(files, folder);
  } catch (cause) {
    throw new Error(
      `Cannot load the tokenizer of ${folder}: ${reasonOf(cause)}`,
      {
        cause,
      },
    );
  }
}

async function readFiles(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of [...FILES, ...await additionalTemplates(folder)]) {
    try {
      files.set(name, await readText(join(folder, name)));
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) continue;
      const reason = reasonOf(cause);
      throw new Error(`Cannot read ${join(folder, name)}: ${reason}`, {
        cause,
      });
    }
  }
  return files;
}

function tokenizer(
  files: ReadonlyMap<string, string>,
  folder: string,
): Tokenizer {
  const config = parse(files, "tokenizer_config.json");
  const special = specialTokens({
    ...parse(files, "special_tokens_map.json"),
    ...config,
  });
  const json = parse(files, "tokenizer.json");
  const { inner, encoder, prefix, suffix } = build(json, config);
  const id = (name: string) => inner.token_to_id(special[name] ?? "") ?? null;
  return {
    vocabularySize: 1 + largestId(inner),
    bosId: id("bos_token"),
    eosId: id("eos_token"),
    padId: id("pad_token"),
    prefix,
    chatTemplate: templateOf(files, { config, special, folder }),
    hash: hashOf(files),
    encode: (text, { addSpecialTokens = true } = {}) => {
      const [ids] = encoder.encodeParts([text]);
      return addSpecialTokens ? [...prefix, ...ids!, ...suffix] : ids!;
    },
    encodeParts: (parts) => encoder.encodeParts(parts),
    encodePair: (first, second, { maxLength = Infinity } = {}) => {
      const [a, b] = [first, second].map((text) =>
        encoder.encodeParts([text])[0]!
      );
      return joinPair(inner, [a!, b!], { maxLength });
    },
    tokenTexts: new TokenTexts(addedTokens(json)),
    decode: (ids, { skipSpecialTokens = false } = {}) =>
      // The library refuses an empty list, and by default tidies spaces up.
      ids.length === 0 ? "" : inner.decode([...ids], {
        skip_special_tokens: skipSpecialTokens,
        clean_up_tokenization_spaces:
          config.clean_up_tokenization_spaces === true,
      }),
  };
}

function build(json: Json, config: Json) {
  try {
    checkTokenizer(json);
    const inner = new huggingface.Tokenizer(json, config);
    const encoder = new TextToIds({
      model: inner.model!,
      addedTokens: addedTokens(json),
      normalizer: json["normalizer"] as Step | null,
      preTokenizer: json["pre_tokenizer"] as Step | null,
      merging: (json["model"] ?? {}) as Merging,
    });
    return { inner, encoder, ...around(inner) };
  } catch (cause) {
    throw new Error(`tokenizer.json: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The chat template, from the first place that holds one: named files go before
 * tokenizer_config.json, as in transformers.
 */
function templateOf(
  files: ReadonlyMap<string, string>,
  { config, special, folder }: {
    config: Json;
    special: Readonly<Record<string, string>>;
    folder: string;
  },
): ChatTemplate | null {
  const named = namedTemplates(files);
  const jinja = files.get("chat_template.jinja");
  const sources = {
    [named.length > 0 ? TEMPLATES : "chat_template.jinja"]: named.length > 0
      ? [
        ...jinja === undefined ? [] : [{ name: "default", template: jinja }],
        ...named,
      ]
      : jinja,
    "tokenizer_config.json": config.chat_template,
    "chat_template.json": parse(files, "chat_template.json").chat_template,
  };
  for (const [file, source] of Object.entries(sources)) {
    if ((source ?? null) === null) continue;
    return chatTemplate(source, special, { file: join(folder, file) });
  }
  return null;
}

/** The templates of additional_chat_templates, in the form of a list in JSON. */
function namedTemplates(files: ReadonlyMap<string, string>): Json[] {
  return [...files].flatMap(([path, template]) =>
    path.startsWith(`${TEMPLATES}/`)
      ? [{ name: basename(path, ".jinja"), template }]
      : []
  );
}

function addedTokens(json: Json): AddedToken[] {
  return (json["added_tokens"] ?? []) as AddedToken[];
}

function parse(files: ReadonlyMap<string, string>, name: string): Json {
  try {
    const json = parseJson(files.get(name) ?? "{}");
    if (isObject(json)) return json;
    throw new Error("expected a JSON object");
  } catch (cause) {
    throw new Error(`${name}: ${reasonOf(cause)}`, { cause });
  }
}

/** `bos_token`, `eos_token` … to their text, as chat templates want them. */
function specialTokens(config: Json): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    if (!name.endsWith("_token")) continue;
    const text = typeof value === "object"
      ? (value as Json | null)?.content
      : value;
    if (typeof text === "string") tokens[name] = text;
  }
  return tokens;
}

function largestId(inner: huggingface.Tokenizer): number {
  let largest = -1;
  for (const id of inner.get_vocab().values()) largest = Math.max(largest, id);
  return largest;
}

function hashOf(files: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  for (const [name, text] of files) hash.update(JSON.stringify([name, text]));
  return hash.digest("hex");
}
