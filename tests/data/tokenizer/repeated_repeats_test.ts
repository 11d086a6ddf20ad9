import { strictEqual } from "node:assert/strict";
import { hasRepeatedRepeats } from "lib/data/tokenizer/check_tokenizer.ts";

const GPT2 =
  "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const O200K =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}]*[\\p{Ll}\\p{Lm}]+(?i:'s|'t|'re)?|\\p{N}{1,3}";

for (
  const [pattern, expected] of [
    [GPT2, false],
    [LLAMA3, false],
    [O200K, false],
    ["(?=(\\d{3})+(?!\\d))", false],
    ["\\(a+\\)+|[(+]+(a)*", false],
    ["(a+)?(b*){2}", false],
    ["(a+)+$", true],
    ["(?:a|(b{2,}))*", true],
    ["([^)]*\\s)+", true],
    ["((a)+b)*", true],
  ] as const
) {
  Deno.test(`${pattern} ${expected ? "repeats" : "does not repeat"} repetitions`, () =>
    strictEqual(hasRepeatedRepeats(pattern), expected));
}
