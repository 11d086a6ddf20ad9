import { byteLevelTokenizer } from "./byte_level_tokenizer.ts";
import type { Metadata } from "./metadata.ts";
import { sentencePieceTokenizer } from "./sentence_piece_tokenizer.ts";
import {
  addedTokens,
  type Json,
  readVocabulary,
  type TokenizerParts,
  type Vocabulary,
} from "./vocabulary.ts";

/** A tokenizer as files of a Hugging Face folder. */
export interface TokenizerFiles {
  /** Contents by name. */
  readonly files: Readonly<Record<string, Json>>;
  /** Ids for config.json and generation_config.json. */
  readonly ids: Json;
}

/** Kinds of tokenizers by `tokenizer.ggml.model`. */
const KINDS: ReadonlyMap<string, (vocabulary: Vocabulary) => TokenizerParts> =
  new Map([["gpt2", byteLevelTokenizer], ["llama", sentencePieceTokenizer]]);

const NO_IDS = {
  "bos_token_id": null,
  "eos_token_id": null,
  "pad_token_id": null,
};

const NO_TOKENIZER = ["none", "no_vocab"];

/**
 * Converts the tokenizer and chat template of a GGUF file.
 *
 * @param vocabularySize how many tokens the model has.
 * @throws Error that names the field that is missing, wrong or unsupported.
 */
export function tokenizerFiles(
  metadata: Metadata,
  vocabularySize: number,
): TokenizerFiles {
  const kind = metadata.text("tokenizer.ggml.model", "none");
  if (NO_TOKENIZER.includes(kind)) return { files: {}, ids: NO_IDS };
  const partsOf = KINDS.get(kind);
  if (!partsOf) {
    throw metadata.error(
      "tokenizer.ggml.model",
      `one of ${[...KINDS.keys()].join(", ")}`,
    );
  }
  const vocabulary = readVocabulary(metadata, vocabularySize);
  const parts = partsOf(vocabulary);
  const { bos, eos, padding } = parts.special;
  const ends = new Set(
    [eos, ...vocabulary.otherEnds].filter((id) => id !== null),
  );
  return {
    files: {
      "tokenizer.json": tokenizerJson(vocabulary, parts),
      "tokenizer_config.json": tokenizerConfig(metadata, vocabulary, parts),
    },
    ids: {
      "bos_token_id": bos,
      "eos_token_id": ends.size > 1 ? [...ends] : [...ends][0] ?? null,
      "pad_token_id": padding,
    },
  };
}

function tokenizerJson(
  vocabulary: Vocabulary,
  parts: TokenizerParts,
): Json {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    "added_tokens": addedTokens(parts.tokens),
    normalizer: parts.normalizer,
    "pre_tokenizer": parts.preTokenizer,
    "post_processor": postProcessor(vocabulary, parts),
    decoder: parts.decoder,
    model: parts.model,
  };
}

function tokenizerConfig(
  metadata: Metadata,
  vocabulary: Vocabulary,
  parts: TokenizerParts,
): Json {
  const { bos, eos, unknown, padding } = parts.special;
  const text = (id: number | null) =>
    id === null ? null : textOf(vocabulary, id);
  const template = "tokenizer.chat_template";
  return {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": text(bos),
    "eos_token": text(eos),
    "unk_token": text(unknown),
    "pad_token": text(padding),
    "clean_up_tokenization_spaces": false,
    ...metadata.has(template)
      ? { "chat_template": metadata.text(template) }
      : {},
  };
}

/** The post-processor that puts BOS and EOS around a text. */
function postProcessor(
  vocabulary: Vocabulary,
  { addsBos, special }: TokenizerParts,
): Json | null {
  const { fields } = vocabulary;
  const token = (key: string, adds: boolean, id: number | null) => {
    if (!fields.flag(`add_${key}_token`, adds)) return [];
    if (id !== null) return [{ id, text: textOf(vocabulary, id) }];
    throw fields.error(`${key}_token_id`, "the token that is added to texts");
  };
  const before = token("bos", addsBos, special.bos);
  const after = token("eos", false, special.eos);
  if (before.length + after.length === 0) return null;
  const mark = ({ text }: { text: string }) => piece("SpecialToken", text);
  const around = (name: string) => [
    ...before.map(mark),
    piece("Sequence", name),
    ...after.map(mark),
  ];
  return {
    type: "TemplateProcessing",
    single: around("A"),
    pair: [...around("A"), ...around("B")],
    "special_tokens": Object.fromEntries(
      [...before, ...after].map(({ id, text }) => [
        text,
        { id: text, ids: [id], tokens: [text] },
      ]),
    ),
  };
}

function piece(kind: string, id: string): Json {
  return Object.fromEntries([[kind, { id, "type_id": 0 }]]);
}

/** Finds the text of an id, which may be that of a gap. */
function textOf({ fields, tokens }: Vocabulary, id: number): string {
  const token = tokens.find((token) => token.id === id);
  if (token) return token.text;
  throw fields.error("tokens", `a token with id ${id}`);
}
