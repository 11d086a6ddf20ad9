import { deepStrictEqual } from "node:assert/strict";
import { textFlaws } from "lib/data/analyse/row_flaws.ts";
import { conversation, pair } from "./rows.ts";

function found(text: string): string[] {
  const flaws = textFlaws();
  flaws.add(pair("Say it.", [text, " No."]));
  return flaws.findings().filter(({ count }) => count > 0)
    .map(({ check }) => check);
}

const TEXTS: [text: string, checks: string[]][] = [
  ["Zoë said “yes”,\n\t日本語 and 😊 👩‍👩‍👧.", []],
  ["a < b, [1] and 2 <| 3 |> 4 <b>s</b>", []],
  ["<|im_end|>", ["text that looks like special tokens"]],
  ["é </s>", ["text that looks like special tokens"]],
  ["[/INST] yes", ["text that looks like special tokens"]],
  ["half \ud83d", ["half characters"]],
  ["caf\uFFFD", ["replacement characters"]],
  ["a\x1b[31m", ["control characters"]],
  ["a\x85b", ["control characters"]],
  ["a\r\nb", []],
  ["\u202Eabc", ["invisible characters"]],
  ["\uFEFFabc", ["invisible characters"]],
  ["cafe\u0301", ["text that is not NFC"]],
];

for (const [text, checks] of TEXTS) {
  const what = checks.join(", ") || "nothing";
  Deno.test(`in ${JSON.stringify(text)} there is found: ${what}`, () => {
    deepStrictEqual(found(text), checks);
  });
}

Deno.test("texts of conversations are looked at turn by turn", () => {
  const flaws = textFlaws();
  flaws.add(conversation(["user: a <s>", "assistant: b"], ["c", "d\0"]));
  deepStrictEqual(
    flaws.findings().filter(({ count }) => count > 0).map(({ check }) => check),
    ["text that looks like special tokens", "control characters"],
  );
});
