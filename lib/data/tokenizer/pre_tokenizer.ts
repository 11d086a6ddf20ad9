/** A step of tokenizer.json: a normalizer or a pre-tokenizer. */
export interface Step {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** GPT-2's words. https://github.com/openai/gpt-2/blob/master/src/encoder.py */
const GPT2 =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * A pre-tokenizer's steps, written so that the library does with them what the
 * original does: its `Digits` knows 0 to 9, the original, and with it the
 * models, every numeral of Unicode
 * (https://doc.rust-lang.org/std/primitive.char.html#method.is_numeric), and
 * the words of its `ByteLevel` end at other white space.
 */
export function preTokenizerSteps(preTokenizer: unknown): Step[] {
  const step = preTokenizer as Step | null | undefined;
  if (!step) return [];
  const { type, pretokenizers } = step;
  if (type === "Sequence" && Array.isArray(pretokenizers)) {
    return pretokenizers.flatMap(preTokenizerSteps);
  }
  if (type === "Digits") {
    return [split(step["individual_digits"] === true ? "\\p{N}" : "\\p{N}+")];
  }
  const isPlain = type === "ByteLevel" && step["add_prefix_space"] === false &&
    step["use_regex"] !== false;
  return isPlain ? [split(GPT2), { ...step, "use_regex": false }] : [step];
}

/** The fields of a BPE model that decide whether its texts can be cut into words. */
export interface Merging {
  readonly type?: string;
  readonly vocab?: Readonly<Record<string, number>>;
  readonly merges?: readonly (string | readonly string[])[];
  readonly "ignore_merges"?: boolean;
}

/**
 * Models after SentencePiece take a whole text for one word, with `▁` for its
 * spaces. Where none of their merges joins a `▁` to what stands before it, the
 * words between come out the same apart, and can be remembered: 3 to
 * 4 times as many short texts a second with a vocabulary of 512.
 */
export function spacedWords(model: Merging): Step[] {
  const { type, vocab = {}, merges = [], ignore_merges: whole } = model;
  if (type !== "BPE" || whole || !("▁" in vocab)) return [];
  const joins = merges.some((merge) =>
    /[^▁]▁/.test(
      typeof merge === "string" ? merge.replace(" ", "") : merge.join(""),
    )
  );
  return joins ? [] : [split("▁+[^▁]*|[^▁]+")];
}

function split(regex: string): Step {
  const pattern = Object.fromEntries([["Regex", regex]]);
  return { type: "Split", pattern, behavior: "Isolated", invert: false };
}

/** Whether a step turns each word into the characters that stand for its bytes. */
export function isByteMap(step: Step | undefined): boolean {
  return step?.type === "ByteLevel" && step["add_prefix_space"] === false &&
    step["use_regex"] === false;
}

/** The steps, or a normalizer, without the space they put before a text. */
export function withoutPrefix(step: Step): Step | null {
  const { type, normalizers } = step;
  if (type === "Prepend") return null;
  if (type === "Sequence" && Array.isArray(normalizers)) {
    const kept = normalizers.map(withoutPrefix).filter((each) => each !== null);
    return { ...step, normalizers: kept };
  }
  if (type === "Metaspace") return { ...step, "prepend_scheme": "never" };
  return type === "ByteLevel" ? { ...step, "add_prefix_space": false } : step;
}
