import { quote } from "../json_fields.ts";
import { PRE_TOKENIZERS, type PreTokenizer } from "./pre_tokenizers.ts";
import type { Metadata } from "./metadata.ts";
import type { TokenizerParts } from "./tokenizer.ts";
import { idsByText, type Vocabulary } from "./vocabulary.ts";

/**
 * Byte-pair encoding with merges, on characters that stand for bytes: GPT-2's
 * kind of tokenizer.
 *
 * @throws Error for merges that are none, and words that are split unknown ways.
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
    model: {
      type: "BPE",
      dropout: null,
      "unk_token": null,
      "continuing_subword_prefix": null,
      "end_of_word_suffix": null,
      "fuse_unk": false,
      "byte_fallback": false,
      "ignore_merges": pre.ignoresMerges,
      vocab: idsByText(tokens),
      merges: readMerges(fields),
    },
  };
}

function preTokenizer(fields: Metadata): PreTokenizer {
  const found = PRE_TOKENIZERS.get(fields.text("pre", "default"));
  if (found) return found;
  throw fields.error("pre", `one of ${[...PRE_TOKENIZERS.keys()].join(", ")}`);
}

/** Merges are written as two tokens with a space between; tokens have none. */
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
