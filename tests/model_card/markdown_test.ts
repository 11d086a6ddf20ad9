import { strictEqual } from "node:assert/strict";
import {
  code,
  codeBlock,
  count,
  figure,
  section,
  table,
  words,
} from "lib/model_card/markdown.ts";

Deno.test("code() holds any text on one line", () => {
  strictEqual(code("a b"), "`a b`");
  strictEqual(code("a\n\tb\u0000 "), "`a b`");
  strictEqual(code("a`b"), "``a`b``");
  strictEqual(code("`a``"), "``` `a`` ```");
  strictEqual(code(" \n"), "–");
});

Deno.test("codeBlock() ends at its own fence", () => {
  strictEqual(codeBlock("sh", "a"), "```sh\na\n```");
  strictEqual(codeBlock("", "a\n````\nb"), "`````\na\n````\nb\n`````");
});

Deno.test("words() escapes punctuation", () => {
  strictEqual(
    words("a_b *c*\n<d> [e](f) | g"),
    "a\\_b \\*c\\* \\<d\\> \\[e\\](f) \\| g",
  );
});

Deno.test("table() keeps its columns, whatever is in them", () => {
  strictEqual(
    table(["a", ""], [[code("x|y"), words("x|y")]]),
    "| a |  |\n| --- | --- |\n| `x\\|y` | x\\|y |",
  );
});

Deno.test("section() is empty without parts", () => {
  strictEqual(section("A", "", "b", "", "c"), "## A\n\nb\n\nc");
  strictEqual(section("A", ""), "");
});

Deno.test("figure() has four digits, count() all", () => {
  strictEqual(figure(-0.123456), "−0.1235");
  strictEqual(figure(1e-7), "1e−7");
  strictEqual(figure(20), "20");
  strictEqual(count(1234567), "1,234,567");
});
