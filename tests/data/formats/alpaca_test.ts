import {
  assistant,
  system,
  testReadings,
  testRefusals,
  user,
} from "../format_cases.ts";

testReadings({ name: "alpaca-pairs", kind: "pairs" }, [
  [
    "an instruction with two answers",
    { instruction: "I", input: "", chosen: "A", rejected: "B" },
    {
      form: "chat",
      prompt: [user("I")],
      completions: [[assistant("A")], [assistant("B")]],
    },
  ],
  [
    "an instruction with input, system, history and tools",
    {
      instruction: "I",
      input: "J",
      system: "S",
      history: [["Q", "R"]],
      tools: '[{"name": "f"}]',
      chosen: "A",
      rejected: "B",
    },
    {
      form: "chat",
      prompt: [system("S"), user("Q"), assistant("R"), user("I\nJ")],
      completions: [[assistant("A")], [assistant("B")]],
      tools: [{ name: "f" }],
    },
  ],
]);

testReadings({ name: "alpaca-labels", kind: "labels" }, [[
  "an instruction with a verdict on the output",
  { instruction: "", input: "J", output: "A", kto_tag: false },
  {
    form: "chat",
    prompt: [user("J")],
    completions: [[assistant("A")]],
    label: false,
  },
]]);

const PAIR = { instruction: "I", chosen: "A", rejected: "B" };

testRefusals([
  [
    "an instruction with an answer that nobody judged",
    [{ instruction: "I", output: "A" }],
    'row 1: no "kto_tag"; expected the columns instruction, output, kto_tag in every row (format alpaca-labels)',
  ],
  [
    "an instruction whose rejected answer is missing",
    [PAIR, { instruction: "I", chosen: "A" }],
    'row 2: no "rejected"; expected the columns instruction, chosen, rejected in every row (format alpaca-pairs)',
  ],
  [
    "an instruction that says nothing",
    [{ ...PAIR, instruction: "", input: "" }],
    'row 1: expected "instruction" to be text to answer, found "" (format alpaca-pairs)',
  ],
  [
    "input that is not text",
    [{ ...PAIR, input: ["J"] }],
    'row 1: expected "input" to be text, found ["J"] (format alpaca-pairs)',
  ],
  [
    "a history with half a round",
    [{ ...PAIR, history: [["Q", "R"], ["V"]] }],
    'row 1: expected "history[1]" to be [question, answer], found ["V"] (format alpaca-pairs)',
  ],
]);
