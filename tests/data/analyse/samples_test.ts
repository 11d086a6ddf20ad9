import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tokenPieces } from "lib/data/analyse/samples.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { withByteTokenizer } from "../byte_tokenizer.ts";

Deno.test("pieces follow the tokens, and a character of several is one", async () => {
  await withByteTokenizer({ merges: [["a", "b"]] }, async (folder) => {
    const tokenizer = (await loadTokenizer(folder))!;
    const text = "<s>ab é</s>";
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    const pieces = tokenPieces(ids, tokenizer);
    deepStrictEqual(pieces.map(({ text }) => text), [
      "<s>",
      "ab",
      " ",
      "é",
      "</s>",
    ]);
    deepStrictEqual(pieces.map(({ special }) => special), [
      true,
      false,
      false,
      false,
      true,
    ]);
    strictEqual(pieces.at(-1)!.end, ids.length - 1);
  });
});

Deno.test("what is left of a character ends before a special token", () => {
  const decode = (
    ids: readonly number[],
    { skipSpecialTokens = false } = {},
  ) =>
    ids.map((id) => id === 0 ? skipSpecialTokens ? "" : "</s>" : "\uFFFD").join(
      "",
    );
  deepStrictEqual(
    tokenPieces([1, 2, 0], { decode }),
    [
      { text: "\uFFFD\uFFFD", end: 1, special: false },
      { text: "</s>", end: 2, special: true },
    ],
  );
});

Deno.test("a piece has the space that a decoder drops at the start of a text", () => {
  const words = ["", "▁Once", "▁upon", "▁a"];
  const decode = (ids: readonly number[]) =>
    ids.map((id) => words[id]).join("").replaceAll("▁", " ").trimStart();
  deepStrictEqual(
    tokenPieces([1, 2, 3], { decode }).map(({ text }) => text),
    ["Once", " upon", " a"],
  );
});

Deno.test("bytes that are no character are one piece in the end", () => {
  const decode = (ids: readonly number[]) => ids.map(() => "\uFFFD").join("");
  deepStrictEqual(
    tokenPieces([1, 2], { decode }).map(({ text, end }) => [text, end]),
    [["\uFFFD\uFFFD", 1]],
  );
});
