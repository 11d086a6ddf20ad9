import { deepStrictEqual } from "node:assert/strict";
import { Rng } from "lib/rng.ts";
import { assistant, type Fields, read, user } from "../format_cases.ts";

/** Keys of messages that no model sees, and values that they may have. */
const NOTES: Record<string, readonly unknown[]> = {
  id: ["a", "b", 7],
  model: ["m", "n"],
  timestamp: [1.5, "2024-01-01"],
  score: [null, 0.5],
  annotations: [{ by: "x" }, { by: "y" }, []],
  refusal: [null],
  ["tool_calls"]: [null, []],
  weight: [0, 1],
};
const pick = <T>(rng: Rng, list: readonly T[]) =>
  list[rng.integer(list.length)]!;

/** A message with some notes on it. */
function noted(rng: Rng, message: Fields): Fields {
  const notes = Object.entries(NOTES).filter(() => rng.integer(3) === 0)
    .map(([key, values]) => [key, pick(rng, values)]);
  const before = rng.integer(2) === 0 ? Object.fromEntries(notes) : {};
  return { ...before, ...message, ...Object.fromEntries(notes) };
}

/** Rows of the same prompt and answers, by layout. */
function rowsOf(whole: Fields[][], length: number, question: string): Fields[] {
  const [a, b] = whole as [Fields[], Fields[]];
  const prompt = a.slice(0, length);
  return [
    { chosen: a, rejected: b },
    { prompt, chosen: a, rejected: b },
    { prompt, chosen: a.slice(length), rejected: b.slice(length) },
    { prompt: question, chosen: a, rejected: b },
    { prompt, completions: [a, b] },
    { ["conversation_a"]: b, ["conversation_b"]: a, winner: "model_b" },
    { messages: a, ["rejected_messages"]: b },
    {
      messages: a.slice(0, length + 1),
      ["rejected_response"]: String(b[length]!.content),
    },
  ];
}

Deno.test("notes on messages never move the end of the prompt", async () => {
  const rng = new Rng(9);
  for (let i = 0; i < 60; i++) {
    const length = 1 + 2 * rng.integer(3);
    const said = Array.from(
      { length },
      (_, at) => (at % 2 === 0 ? user : assistant)(`turn ${rng.integer(3)}`),
    );
    const question = said[rng.integer(length)]!.content;
    const answers = ["Blue.", "Nine."];
    const whole = answers.map((answer) =>
      [...said, assistant(answer)].map((turn) => noted(rng, turn))
    );
    for (const row of rowsOf(whole, length, question)) {
      const { rows: [found] } = await read([row]);
      const { prompt, completions } = found!;
      const texts = [prompt, ...completions].map((part) =>
        [part].flat().map((turn) => Object(turn).content)
      );
      deepStrictEqual(
        texts,
        [said.map(({ content }) => content), ...answers.map((text) => [text])],
        JSON.stringify(row),
      );
    }
  }
});
