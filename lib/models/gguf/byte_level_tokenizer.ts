import { quote } from "../field_reader.ts";
import type { Metadata } from "./metadata.ts";
import {
  bytePairs,
  type Json,
  type TokenizerParts,
  type Vocabulary,
} from "./vocabulary.ts";

/** The normalization of text, and its division into words. */
interface PreTokenizer {
  readonly normalizer: Json | null;
  readonly steps: readonly Json[];
  /** Whether a word that is a token stays whole, whatever its merges. */
  readonly ignoresMerges: boolean;
  /** Whether a text begins with BOS, unless the file says otherwise. */
  readonly addsBos: boolean;
}

const NFC: Json = { type: "NFC" };

const WORD_ENDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const MARKS = " ?[^\\s\\p{L}\\p{N}]+";
const SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";

/** https://github.com/openai/tiktoken: cl100k's words, so many digits at once. */
const cl100k = (digits: string) =>
  `${WORD_ENDS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}|${MARKS}[\\r\\n]*|${SPACES}`;

/** Words that end where lower case ends: o200k's, and Mistral's Tekken. */
const cased = ({ ends, digits }: { ends: string; digits: string }) =>
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${ends}|` +
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${ends}|` +
  `${digits}|${MARKS}[\\r\\n/]*|${SPACES}`;

const GPT2 = words([byteLevel(true)]);
const DIGITS = words([
  { type: "Digits", "individual_digits": true },
  byteLevel(true),
]);
const LLAMA3 = regexes([cl100k("\\p{N}{1,3}")]);
const QWEN2 = { ...regexes([cl100k("\\p{N}")]), normalizer: NFC };
const O200K = regexes([
  cased({ ends: `${WORD_ENDS}?`, digits: "\\p{N}{1,3}" }),
]);

/** llama.cpp's choice for files that name none: close to most models. */
const DEFAULT = regexes([
  "[\\p{P}\\$\\+<=>\\^~\\|]+",
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
  "\\p{N}+",
  "[0-9][0-9][0-9]",
]);

/**
 * Pre-tokenizers by `tokenizer.ggml.pre`, as `llama-vocab.cpp` groups them, with
 * the normalization of the models' own files, which llama.cpp leaves out.
 */
const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  ...named(GPT2, [
    "gpt-2",
    "phi-2",
    "jais",
    "trillion",
    "gigachat",
    "a.x-4.0",
    "mellum",
    "exaone4",
  ]),
  // GPT-NeoX's tokenizer.
  ...named({ ...GPT2, normalizer: NFC }, ["mpt", "olmo"]),
  ...named(DIGITS, [
    "smollm",
    "starcoder",
    "refact",
    "command-r",
    "codeshell",
    "exaone",
    "minerva-7b",
  ]),
  ...named({ ...LLAMA3, ignoresMerges: true, addsBos: true }, [
    "llama3",
    "llama-v3",
    "llama-bpe",
    "falcon3",
    "falcon-h1",
    "pixtral",
    "midm-2.0",
    "lfm2",
  ]),
  ...named(LLAMA3, ["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"]),
  ...named(QWEN2, ["qwen2", "deepseek-r1-qwen", "megrez"]),
  ...named({ ...QWEN2, normalizer: null }, ["stablelm2", "hunyuan"]),
  ...named({
    ...regexes([cased({ ends: "", digits: "\\p{N}" })]),
    ignoresMerges: true,
    addsBos: true,
  }, ["tekken"]),
  ...named(O200K, ["gpt-4o", "llama4"]),
  ...named(DEFAULT, ["default"]),
]);

function named(
  preTokenizer: PreTokenizer,
  names: readonly string[],
): [string, PreTokenizer][] {
  return names.map((name) => [name, preTokenizer]);
}

function regexes(list: readonly string[]): PreTokenizer {
  return words([...list.map(split), byteLevel(false)]);
}

function words(steps: readonly Json[]): PreTokenizer {
  return { normalizer: null, steps, ignoresMerges: false, addsBos: false };
}

/** @param splits whether it also splits text into GPT-2's words. */
function byteLevel(splits: boolean): Json {
  return {
    type: "ByteLevel",
    "add_prefix_space": false,
    "trim_offsets": true,
    "use_regex": splits,
  };
}

function split(regex: string): Json {
  const pattern = Object.fromEntries([["Regex", regex]]);
  return { type: "Split", pattern, behavior: "Isolated", invert: false };
}

/**
 * Converts a byte-pair encoding with merges of characters that stand for bytes:
 * GPT-2's kind of tokenizer.
 *
 * @throws Error for a malformed merge, and an unknown way to split words.
 */
export function byteLevelTokenizer(
  { fields, tokens, special }: Vocabulary,
): TokenizerParts {
  const pre = preTokenizer(fields);
  return {
    tokens,
    special,
    addsBos: pre.addsBos,
    normalizer: pre.normalizer,
    preTokenizer: pre.steps.length === 1
      ? pre.steps[0]!
      : { type: "Sequence", pretokenizers: pre.steps },
    decoder: {
      type: "ByteLevel",
      "add_prefix_space": true,
      "trim_offsets": true,
      "use_regex": true,
    },
    model: bytePairs(tokens, {
      merges: readMerges(fields),
      unknown: null,
      fallsBack: false,
      ignoresMerges: pre.ignoresMerges,
    }),
  };
}

function preTokenizer(fields: Metadata): PreTokenizer {
  const pre = PRE_TOKENIZERS.get(fields.text("pre", "default"));
  if (pre) return pre;
  throw fields.error("pre", `one of ${[...PRE_TOKENIZERS.keys()].join(", ")}`);
}

/** Reads merges: two tokens with a space between, as tokens contain none. */
function readMerges(fields: Metadata): string[][] {
  return fields.texts("merges").map((merge, i) => {
    const pair = merge.split(" ");
    if (pair.length === 2 && !pair.includes("")) return pair;
    throw fields.error(
      "merges",
      `two tokens with a space between, found ${quote(merge)} at ${i}`,
    );
  });
}
