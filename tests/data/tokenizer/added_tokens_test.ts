import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import {
  type AddedToken,
  addedTokenSplitter,
  isMarked,
  TokenTexts,
  unmarked,
} from "lib/data/tokenizer/added_tokens.ts";

const TOKENS: AddedToken[] = [
  { id: 1, content: "<|end|>", special: true },
  { id: 2, content: "<|end|>>", special: true },
  { id: 3, content: "<r>", special: true, rstrip: true },
  { id: 4, content: "<l>", special: true, lstrip: true },
  { id: 5, content: "<think>" },
];

/** A text, and its sections. */
const SPLITS: [string, (string | number)[]][] = [
  ["", []],
  ["plain", ["plain"]],
  ["a<|end|>b", ["a", 1, "b"]],
  ["<|end|>>", [2]],
  ["<|end|><|end|>", [1, 1]],
  ["<|end|", ["<|end|"]],
  ["a <r> \n\u0085b", ["a ", 3, "b"]],
  // No white space to Unicode, though it is to JavaScript.
  ["<r>\ufeffb", [3, "\ufeffb"]],
  ["a \n<l> b", ["a", 4, " b"]],
  ["<r> <l>", [3, 4]],
  ["🙂<think>", ["🙂", 5]],
];

for (const [text, expected] of SPLITS) {
  Deno.test(`added tokens are found in ${JSON.stringify(text)}`, () => {
    const sections = addedTokenSplitter(TOKENS)(text).map((section) =>
      "id" in section ? section.id : section.text
    );
    deepStrictEqual(sections, expected);
  });
}

Deno.test("without added tokens a text is one section", () => {
  deepStrictEqual(addedTokenSplitter([])("a<b"), [{ text: "a<b" }]);
  deepStrictEqual(addedTokenSplitter([])(""), []);
});

const texts = new TokenTexts(TOKENS);

Deno.test("specials() finds the special tokens that are written out, each once", () => {
  const text = "a <think> b<r>c<|end|><r>";
  deepStrictEqual(texts.specials(text), ["<r>", "<|end|>"]);
  deepStrictEqual(texts.specials("<|end|>>"), ["<|end|>>"]);
  deepStrictEqual(texts.specials("<|end|"), []);
  deepStrictEqual(new TokenTexts([]).specials("<r>"), []);
});

Deno.test("mark() hides special tokens and no others, and unmarked() shows them", () => {
  const text = "a<|end|>b <think>c<r>";
  const marked = texts.mark(text);
  strictEqual(isMarked(marked), true);
  deepStrictEqual(texts.specials(marked), []);
  const one = texts.mark(text, (token) => token === "<r>");
  deepStrictEqual(texts.specials(one), ["<|end|>"]);
  strictEqual(unmarked(one), text);
  strictEqual(unmarked(marked), text);
  deepStrictEqual(addedTokenSplitter(TOKENS)(marked).length, 3);
  strictEqual(texts.mark("plain <think>"), "plain <think>");
  throws(() => texts.mark("a\ufdd0"), {
    name: "RangeError",
    message: "expected text, found U+FDD0, which is not a character",
  });
});

Deno.test("outside() leaves tokens and characters whole", () => {
  const text = "ab<think>🙂c";
  const places = [0, 2, 3, 8, 9, 10, 11, 12];
  deepStrictEqual(
    places.map((at) => texts.outside(text, at)),
    [0, 2, 2, 2, 9, 9, 11, 12],
  );
});

Deno.test("isBlank() is true of special tokens and white space", () => {
  strictEqual(texts.isBlank(" <|end|>\n<r>"), true);
  strictEqual(texts.isBlank(""), true);
  strictEqual(texts.isBlank("<think>"), false);
  strictEqual(texts.isBlank(texts.mark("<|end|>")), false);
});
