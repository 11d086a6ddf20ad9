import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  completionText,
  cutAtStop,
} from "lib/data/tokenize/completion_text.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { bytes, withByteTokenizer } from "../byte_tokenizer.ts";

const WORDS = ["<s>", "▁Once", "▁upon", "▁a", ",", "▁time"];

/** As Llama 2's: the space before the first word is left out. */
const tokenizer = {
  decode: (ids: readonly number[]) =>
    ids.filter((id) => id > 0).map((id) => WORDS[id]).join("")
      .replaceAll("▁", " ").replace(/^ /, ""),
};

Deno.test("a completion's text has the space that it begins with after other text", () => {
  const text = (after: number[], ids: number[]) =>
    completionText(ids, { tokenizer, after });
  strictEqual(text([0, 1, 2], [3, 5]), " a time");
  strictEqual(text([0, 1, 2, 3, 5], [4]), ",");
  strictEqual(text([0], [1, 2]), "Once upon");
  strictEqual(text([1], []), "");
  strictEqual(completionText([3, 5], { tokenizer }), "a time");
});

Deno.test("a prompt that ends within a character is no part of the text", async () => {
  await withByteTokenizer({}, async (folder) => {
    const tokenizer = (await loadTokenizer(folder))!;
    // The two bytes of é, as byte-level BPE spells them.
    const [a, first, ...rest] = bytes("aÃ©!");
    const text = (after: number[], ids: number[]) =>
      completionText(ids, { tokenizer, after });
    strictEqual(text([a!, first!], rest), "\ufffd!");
    strictEqual(text([a!], [first!, ...rest]), "é!");
  });
});

Deno.test("a text is cut before the first string that it comes to", () => {
  deepStrictEqual(cutAtStop("one. two", ["two", "."]), {
    text: "one",
    cut: true,
  });
  deepStrictEqual(cutAtStop("xab", ["b", "ab"]), { text: "x", cut: true });
  deepStrictEqual(cutAtStop("stop", ["stop"]), { text: "", cut: true });
  deepStrictEqual(cutAtStop("on", ["one"]), { text: "on", cut: false });
  deepStrictEqual(cutAtStop("on", []), { text: "on", cut: false });
});
