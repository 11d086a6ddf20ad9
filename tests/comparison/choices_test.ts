import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import {
  choiceMeasures,
  type Choices,
  readChoices,
} from "experiments/comparison/choices.ts";
import { loadExamples, type LoadOptions } from "lib/data/load.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { assertClose } from "../assert_close.ts";
import { baseSize, bytes, writeByteTokenizer } from "../data/byte_tokenizer.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const TEMPLATE =
  "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}" +
  "{% if add_generation_prompt %}<|assistant|>{% endif %}";

const CHOICES = ["yes", "no", "so"];
const TRUTHFUL = {
  question: "Why?",
  "mc1_targets": { choices: ["b", "a"], labels: [1, 0] },
  "mc2_targets": { choices: ["a", "b", "c", "d"], labels: [0, 1, 1, 0] },
};

/** Reads a file of such content with a byte-level tokenizer that has a template. */
async function choicesOf(
  content: readonly unknown[] | string,
  options: Partial<LoadOptions> = {},
  name = "choices.jsonl",
): Promise<Choices> {
  using folder = temporaryFolder();
  const config = { "chat_template": TEMPLATE };
  await writeByteTokenizer(folder.path, { config });
  const path = join(folder.path, name);
  const text = typeof content === "string"
    ? content
    : content.map((row) => JSON.stringify(row) + "\n").join("");
  await Deno.writeTextFile(path, text);
  return await readChoices(path, {
    tokenizer: await loadTokenizer(folder.path),
    vocabularySize: baseSize,
    ...options,
  });
}

const right = (target: Choices["questions"][number]["mc1"]) =>
  target.map(({ choice, isRight }) => isRight ? choice : -1);

Deno.test("a choice is tokenized as a completion that is trained on", async () => {
  const prompt = "Is it?";
  const turns = [{ role: "user", content: prompt }];
  for (const template of [false, true]) {
    const { rows: [text, chat] } = await choicesOf([
      { prompt, choices: CHOICES, answer: 0 },
      { prompt: turns, choices: CHOICES, labels: [0, 1, 1] },
    ], { template });
    using folder = temporaryFolder();
    const config = { "chat_template": TEMPLATE };
    await writeByteTokenizer(folder.path, { config });
    const tokenizer = await loadTokenizer(folder.path);
    const pair = { prompt, chosen: "yes", rejected: "no" };
    const { examples: [trained] } = await loadExamples(
      { name: "pair", rows: [pair] },
      { role: "train", tokenizer, vocabularySize: baseSize, template },
    );
    deepEqual(text!.prompt, trained!.prompt);
    deepEqual(text!.completions.slice(0, 2), trained!.completions);
    deepEqual(text!.completions[2], [...bytes("so"), 1]);
    deepEqual(chat!.prompt, [2, ...bytes(prompt), 1, 3]);
    if (template) deepEqual(text, chat);
  }
});

Deno.test("right choices are a number, labels, or those of TruthfulQA", async () => {
  const { questions, rows, source } = await choicesOf([
    { prompt: "1", choices: CHOICES, answer: 2, note: "x" },
    { prompt: "2", choices: CHOICES, labels: [1, 0, 1] },
    { prompt: "3", choices: CHOICES, labels: [false, true, false] },
    TRUTHFUL,
  ]);
  deepEqual(
    questions.map(({ mc1, mc2 }) => [right(mc1), right(mc2)]),
    [
      [[-1, -1, 2], [-1, -1, 2]],
      [[0, -1, 2], [0, -1, 2]],
      [[-1, 1, -1], [-1, 1, -1]],
      [[0, -1], [-1, 0, 2, -1]],
    ],
  );
  // All choices of a question stand once.
  deepEqual(
    rows[3]!.completions,
    ["b", "a", "c", "d"].map((text) => [...bytes(text), 1]),
  );
  deepEqual(source.unreadColumns, ["note"]);
  deepEqual([source.role, source.counts["rows"]], ["choices", 4]);
});

Deno.test("tables have choices as JSON", async () => {
  const csv = 'prompt,choices,answer\nWhy?,"[""a"", ""b""]",1\n';
  const { questions: [question] } = await choicesOf(csv, {}, "choices.csv");
  deepEqual(right(question!.mc1), [-1, 1]);
});

Deno.test("a question of which a choice does not fit is left out, with its labels", async () => {
  const { rows, questions, source } = await choicesOf([
    { prompt: "1", choices: ["a", "b".repeat(20)], answer: 0 },
    { prompt: "2", choices: ["a", "b"], answer: 1 },
  ], { maxLength: 10 });
  equal(rows.length, 1);
  deepEqual(questions.map(({ mc1 }) => right(mc1)), [[-1, 1]]);
  equal(source.counts.dropped, 1);
});

Deno.test("rows that are no questions are refused, with their line and field", async () => {
  const row = { prompt: "1", choices: CHOICES };
  const refuses = async (bad: object, message: RegExp) =>
    await rejects(choicesOf([{ ...row, answer: 0 }, bad]), { message });
  await refuses(row, /line 2: expected "answer" to be .*, found nothing/);
  await refuses(
    { ...row, answer: 3 },
    /line 2: expected "answer" to be the number of one of 3 choices, from 0, found 3/,
  );
  await refuses({ ...row, answer: "a" }, /expected "answer" .* found "a"/);
  await refuses({ ...row, answer: -1 }, /found -1/);
  await refuses(
    { ...row, labels: [1, 0] },
    /expected "labels" to be 3 of 0 and 1, with both among them, found \[1,0\]/,
  );
  await refuses({ ...row, labels: [1, 1, 1] }, /with both among them/);
  await refuses({ ...row, labels: [1, 2, 0] }, /a list of 1 for right choices/);
  await refuses({ ...row, choices: "yes", answer: 0 }, /"choices" .* texts/);
  await refuses(
    { ...TRUTHFUL, "mc2_targets": { choices: ["a"], labels: [1] } },
    /"mc2_targets\.labels" to be 1 of 0 and 1/,
  );
  await refuses({ ...TRUTHFUL, "mc2_targets": {} }, /"mc2_targets" to be an/);
});

Deno.test("MC1 is of the likeliest choice, MC2 of all probability", () => {
  const target = (labels: readonly number[]) =>
    labels.map((label, choice) => ({ choice, isRight: label === 1 }));
  const questions = [
    { mc1: target([1, 0]), mc2: target([1, 0, 1]) },
    { mc1: target([1, 0, 0]), mc2: target([1, 0, 0]) },
    { mc1: target([0, 1, 1]), mc2: target([0, 1, 1]) },
    { mc1: target([1, 0]), mc2: target([1, 0]) },
  ];
  const rows = questions.map(({ mc2 }) => ({
    prompt: [1],
    completions: mc2.map(() => [2, 3]),
  }));
  const logProbs = [
    [Math.log(0.2), Math.log(0.1), Math.log(0.3)],
    // So small that exp() has no number for it.
    [-2000 - Math.log(2), -2000, -3000],
    [-5, -9, -4],
    [-5, -5 - 1e-4],
  ];
  const { mc1, mc2, measures } = choiceMeasures({ rows, questions }, logProbs);
  deepEqual(mc1, [1, 0, 1, 0.5]);
  const e = Math.exp;
  const last = (e(-9) + e(-4)) / (e(-9) + e(-4) + e(-5));
  assertClose(mc2, [5 / 6, 1 / 3, last, 0.5], { tolerance: 1e-4 });
  equal(measures["mc1"], 2.5 / 4);
  // s/√n of 1, 0, 1, ½
  assertClose([measures["mc1Error"]!], [Math.sqrt(0.6875 / 3 / 4)]);
  ok(measures["mc2Error"]! > 0);
});
