import type { Metadata } from "./metadata.ts";

/** Kinds of tokens, as `llama.h` numbers them. */
export const KINDS = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** The kinds that are found before text is split. */
const ADDED: readonly number[] = [
  KINDS.unknown,
  KINDS.control,
  KINDS.userDefined,
];

export interface Token {
  readonly id: number;
  readonly text: string;
  readonly kind: number;
}

/** Ids of tokens with a part to play; `null` if the file names none. */
export interface SpecialIds {
  readonly bos: number | null;
  readonly eos: number | null;
  readonly unknown: number | null;
  readonly padding: number | null;
}

/** The tokens of a GGUF file, for any kind of tokenizer. */
export interface Vocabulary {
  readonly architecture: string;
  /** Its fields, by their names after `tokenizer.ggml.`. */
  readonly fields: Metadata;
  readonly tokens: readonly Token[];
  readonly special: SpecialIds;
  /** Other tokens that end a text: an answer, a message. */
  readonly otherEnds: readonly number[];
}

/** A part of tokenizer.json. */
export type Json = Readonly<Record<string, unknown>>;

/** The parts of tokenizer.json in which kinds of tokenizers differ. */
export interface TokenizerParts {
  /** Tokens with their texts as tokenizer.json has them. */
  readonly tokens: readonly Token[];
  readonly special: SpecialIds;
  /** Whether a text begins with BOS, unless the file says otherwise. */
  readonly addsBos: boolean;
  readonly normalizer: Json | null;
  readonly preTokenizer: Json | null;
  readonly decoder: Json;
  readonly model: Json;
}

/** Whether a token only fills a gap of the vocabulary in GGUF. */
const isFiller = ({ id, text, kind }: Token) =>
  kind === KINDS.unused && text === `[PAD${id}]`;

/**
 * Reads the tokens of a GGUF file.
 *
 * @throws Error that names the field that is missing or wrong.
 */
export function readVocabulary(
  metadata: Metadata,
  vocabularySize: number,
): Vocabulary {
  const fields = metadata.under("tokenizer.ggml.");
  const texts = fields.texts("tokens");
  if (texts.length > vocabularySize) {
    throw fields.error("tokens", `no more than the model's ${vocabularySize}`);
  }
  const kinds = fields.numbers("token_type", texts.length);
  const tokens = texts.map((text, id) => ({
    id,
    text,
    kind: kinds?.[id] ?? KINDS.normal,
  })).filter((token) => !isFiller(token));
  checkDistinct(fields, tokens);
  const id = (key: string) => fields.index(key, texts.length);
  return {
    architecture: metadata.text("general.architecture"),
    fields,
    tokens,
    special: {
      bos: id("bos_token_id"),
      eos: id("eos_token_id"),
      unknown: id("unknown_token_id"),
      padding: id("padding_token_id"),
    },
    otherEnds: [id("eot_token_id"), id("eom_token_id")].filter((id) =>
      id !== null
    ),
  };
}

function checkDistinct(fields: Metadata, tokens: readonly Token[]): void {
  const ids = new Map<string, number>();
  for (const { id, text } of tokens) {
    if (ids.has(text)) {
      throw fields.error(
        "tokens",
        `no text twice, as ids ${ids.get(text)} and ${id} have it`,
      );
    }
    ids.set(text, id);
  }
}

/**
 * `model` of tokenizer.json: a byte-pair encoding.
 *
 * @param options `fallsBack`: whether characters without a token become bytes,
 * and others without one a single unknown token.
 */
export function bytePairs(
  tokens: readonly Token[],
  { merges, unknown, fallsBack, ignoresMerges }: {
    merges: readonly (readonly string[])[];
    unknown: string | null;
    fallsBack: boolean;
    ignoresMerges: boolean;
  },
): Json {
  return {
    type: "BPE",
    dropout: null,
    "unk_token": unknown,
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": fallsBack,
    "byte_fallback": fallsBack,
    "ignore_merges": ignoresMerges,
    vocab: Object.fromEntries(tokens.map(({ id, text }) => [text, id])),
    merges,
  };
}

/** `added_tokens` of tokenizer.json. */
export function addedTokens(tokens: readonly Token[]): object[] {
  return tokens
    .filter(({ kind }) => ADDED.includes(kind))
    .map(({ id, text, kind }) => ({
      id,
      content: text,
      "single_word": false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: kind !== KINDS.userDefined,
    }));
}
