import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { repeatedPrompts } from "lib/data/analyse/prompt_repeats.ts";
import { Rng } from "lib/rng.ts";
import { assistant, read, user } from "../format_cases.ts";
import { conversation, pair } from "./rows.ts";

const WORDS = [
  "tree",
  "Nenne",
  "色",
  "два",
  "3.14",
  "(why?)",
  "it's",
  "🙂",
  "*",
];
const BLANKS = ["", " ", "\n", "\t ", "\n\n"];
/** Marks of a speaker who asks. */
const MARKS = [
  "Human: ",
  "USER:\n",
  "### Instruction:\n",
  "Question: ",
  "<|im_start|>user\n",
  "<s>[INST] ",
  "<|start_header_id|>user<|end_header_id|>\n\n",
  "<start_of_turn>user\n",
  "**Prompt**\n",
  "> ",
];
/** Texts behind which a question is quoted or taken up. */
const QUOTES = ["You ask: ", "The answer to ", "a ", "def f():\n    # "];

const pick = <T>(rng: Rng, list: readonly T[]) =>
  list[rng.integer(list.length)]!;

function words(rng: Rng, least: number): string {
  const some = () => pick(rng, WORDS);
  return Array.from({ length: least + rng.integer(5) }, some).join(" ");
}

/** An answer to a question, and whether it repeats that. */
function randomAnswer(rng: Rng, question: string): [string, boolean] {
  const rest = `${pick(rng, BLANKS)}Answer ${words(rng, 1)}`;
  const kind = rng.integer(5);
  if (kind === 0) return [pick(rng, BLANKS) + question + rest, true];
  if (kind === 1) {
    return [pick(rng, BLANKS) + pick(rng, MARKS) + question + rest, true];
  }
  if (kind === 2) return [pick(rng, QUOTES) + question + rest, false];
  if (kind === 3) return [question.slice(0, -1) + rest, false];
  return [rest, false];
}

Deno.test("completions that begin with the prompt are found, and no others", () => {
  const rng = new Rng(5);
  const shares = new Map<number, number>();
  for (let i = 0; i < 500; i++) {
    const question = `Q${i} ${words(rng, 6)}.`;
    const [a, b] = [randomAnswer(rng, question), randomAnswer(rng, question)];
    const expected = (Number(a[1]) + Number(b[1])) / 2;
    const texts = [a[0], b[0]];
    const asked = pick(rng, BLANKS) + question + pick(rng, BLANKS);
    const turns = [
      conversation([`user: ${question}`], texts),
      conversation(["system: Be.", `user: ${asked}`], texts),
      conversation([`user: ${asked}`, "assistant: So?", "user: Go."], texts),
    ];
    for (const row of [pair(asked, texts), ...turns]) {
      strictEqual(repeatedPrompts(row), expected, JSON.stringify(row));
    }
    shares.set(expected, (shares.get(expected) ?? 0) + 1);
  }
  ok([0, 0.5, 1].every((share) => shares.get(share)! > 50), "all kinds");
});

Deno.test("a short question is no prompt to repeat, by the bytes that it has", () => {
  for (const question of ["Hello.", "Why?", "Ja"]) {
    const texts = [`${question} I am here.`, `${question}.`];
    strictEqual(repeatedPrompts(pair(question, texts)), 0);
    strictEqual(repeatedPrompts(pair("", texts)), 0);
  }
  const question = "说出一种颜色。";
  strictEqual(repeatedPrompts(pair(question, [`${question}蓝`, "蓝"])), 0.5);
});

Deno.test("token ids repeat nothing", () => {
  const completions = [[1, 2], [1]];
  const ids = { form: "ids", location: "a", prompt: [1], completions } as const;
  strictEqual(repeatedPrompts(ids), 0);
});

Deno.test("the messages of a prompt are taken off all completions that have them, and off none where one has not", async () => {
  const rng = new Rng(6);
  for (let i = 0; i < 100; i++) {
    const prompt = Array.from(
      { length: 1 + 2 * rng.integer(3) },
      (_, at) => (at % 2 === 0 ? user : assistant)(words(rng, 1)),
    );
    const answers = ["A", "B"].map((text) => [assistant(text + words(rng, 1))]);
    const whole = answers.map((answer) => [...prompt, ...answer]);
    const expected = { prompt, completions: answers };
    const rows = [
      { prompt, chosen: whole[0], rejected: whole[1] },
      { prompt, chosen: answers[0], rejected: answers[1] },
      { prompt, completions: whole },
      { prompt, completions: answers },
    ];
    for (const row of rows) {
      const { rows: [found] } = await read([row]);
      const { prompt, completions } = found!;
      deepStrictEqual({ prompt, completions }, expected);
    }
    const labelled = { prompt, completion: whole[0], label: true };
    const { rows: [found] } = await read([labelled]);
    deepStrictEqual(found!.completions, answers.slice(0, 1));
  }
});

Deno.test("a completion that has the prompt's messages where the other has not is refused", async () => {
  const prompt = [user("Hi"), assistant("Yes?"), user("Colour?")];
  const [good, bad] = [[assistant("Blue.")], [assistant("Nine.")]];
  const { message } = await read([
    { prompt, chosen: [...prompt, ...good], rejected: bad },
  ]).then(() => ({ message: "read" }), (error: Error) => error);
  ok(
    /expected the completion in "chosen" to begin with an assistant/.test(
      message,
    ),
    message,
  );
});
