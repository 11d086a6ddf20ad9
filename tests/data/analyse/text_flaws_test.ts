import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { textFlaws } from "lib/data/analyse/row_flaws.ts";
import { loadExamples } from "lib/data/load.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { Rng } from "lib/rng.ts";
import { withByteTokenizer } from "../byte_tokenizer.ts";
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

Deno.test("half characters are those that UTF-8 cannot hold, and are counted for training", async () => {
  const rng = new Rng(8);
  const pieces = ["a", " ", "é", "\ud83d", "\ude42", "🙂", "\ud83d🙂", "色"];
  const random = () =>
    Array.from({ length: 1 + rng.integer(4) }, () => pieces[rng.integer(8)])
      .join("");
  const isHalf = (text: string) =>
    new TextDecoder().decode(new TextEncoder().encode(text)) !== text;
  const rows = Array.from({ length: 100 }, () => ({
    prompt: random(),
    chosen: random(),
    rejected: random(),
  }));
  const halves = rows.filter((row) => Object.values(row).some(isHalf));
  const flaws = textFlaws();
  for (const { prompt, chosen, rejected } of rows) {
    flaws.add(pair(prompt, [chosen, rejected]));
  }
  const finding = flaws.findings()
    .find(({ check }) => check === "half characters");
  strictEqual(finding!.count, halves.length);
  strictEqual(finding!.verdict, "wrong");
  await withByteTokenizer({}, async (folder) => {
    const { description } = await loadExamples({ name: "d", rows }, {
      role: "train",
      tokenizer: await loadTokenizer(folder),
      vocabularySize: 1000,
    });
    strictEqual(description.counts.halfCharacters, halves.length);
  });
});
