import { deepStrictEqual } from "node:assert/strict";
import {
  assistant,
  read,
  system,
  testReadings,
  testRefusals,
  user,
} from "../format_cases.ts";

const response = (response: string, score: unknown) => ({
  response,
  overall_score: score,
  model: "m",
});

testReadings({ name: "ultrafeedback", kind: "ranks" }, [
  [
    "scored responses, best first, ties as they stand,",
    {
      instruction: "I",
      models: ["a", "b", "c", "d"],
      completions: [
        response("A", 2),
        response("B", 7.5),
        response("C", 2),
        response("D", 9),
      ],
    },
    {
      form: "chat",
      prompt: [user("I")],
      completions: ["D", "B", "A", "C"].map((text) => [assistant(text)]),
      ratings: [9, 7.5, 2, 2],
    },
  ],
  [
    "scored responses to messages",
    {
      prompt: [system("S"), user("U")],
      completions: [response("A", -1), response("B", 0)],
    },
    {
      form: "chat",
      prompt: [system("S"), user("U")],
      completions: [[assistant("B")], [assistant("A")]],
      ratings: [0, -1],
    },
  ],
]);

testReadings({ name: "ultrafeedback-fine-grained", kind: "ranks" }, [[
  "responses with fine-grained scores only",
  {
    prompt: "I",
    completions: [
      { response: "A", "fine-grained_score": 1 },
      { response: "B", "fine-grained_score": 2, overall_score: null },
    ],
  },
  {
    form: "chat",
    prompt: [user("I")],
    completions: [[assistant("B")], [assistant("A")]],
    ratings: [2, 1],
  },
]]);

testReadings({ name: "ultrafeedback-score", kind: "ranks" }, [[
  "responses with plain scores",
  {
    prompt: "I",
    completions: [
      { response: "A", score: 2 },
      { response: "B", score: 1 },
    ],
  },
  {
    form: "chat",
    prompt: [user("I")],
    completions: [[assistant("A")], [assistant("B")]],
    ratings: [2, 1],
  },
]]);

Deno.test("openRows() ranks by the score whose format is stated", async () => {
  const row = {
    instruction: "I",
    completions: [
      { ...response("A", 9), score: 1 },
      { ...response("B", 8), score: 2 },
    ],
  };
  const scores = async (format?: string) =>
    (await read([row], { format })).rows.map(({ ratings }) => ratings);
  deepStrictEqual(await scores(), [[9, 8]]);
  deepStrictEqual(await scores("ultrafeedback-score"), [[2, 1]]);
});

const ROW = {
  instruction: "I",
  completions: [response("A", 1), response("B", 2)],
};

testRefusals([
  [
    "a score that is not a number",
    [{ ...ROW, completions: [response("A", 1), response("B", NaN)] }],
    'row 1: expected "completions[1].overall_score" to be a finite number, found NaN (format ultrafeedback)',
  ],
  [
    "a score that is text",
    [{ ...ROW, completions: [response("A", 1), response("B", "8")] }],
    'row 1: expected "completions[1].overall_score" to be a finite number, found "8" (format ultrafeedback)',
  ],
  [
    "a response without a score",
    [{ ...ROW, completions: [response("A", 1), { response: "B" }] }],
    'row 1: expected "completions[1].overall_score" to be a finite number, found nothing (format ultrafeedback)',
  ],
  [
    "a row without the file's score",
    [ROW, {
      ...ROW,
      completions: [{ response: "A", score: 1 }, { response: "B", score: 2 }],
    }],
    'row 2: expected "completions" to be objects with response and overall_score, found [{"response":"A","score":1},{"response": (format ultrafeedback)',
  ],
  [
    "a response that is not text",
    [{
      ...ROW,
      completions: [response("A", 1), { overall_score: 2, response: null }],
    }],
    'row 1: expected "completions[1].response" to be text, found null (format ultrafeedback)',
  ],
  [
    "a single scored response",
    [{ ...ROW, completions: [response("A", 1)] }],
    'row 1: expected "completions" to be two or more completions, found [{"response":"A","overall_score":1,"mode (format ultrafeedback)',
  ],
  [
    "scored responses to nothing",
    [{ ...ROW, instruction: null }],
    'row 1: no "instruction"; expected it or "prompt" (format ultrafeedback)',
  ],
  [
    "scored responses to a number",
    [{ ...ROW, instruction: 5 }],
    'row 1: expected "instruction" to be text or messages, found 5 (format ultrafeedback)',
  ],
]);
