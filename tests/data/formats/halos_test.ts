import {
  assistant,
  testReadings,
  testRefusals,
  user,
} from "../format_cases.ts";

const PAIR = {
  type: "pairwise_feedback",
  prompt: [user("U")],
  ["output_A"]: [assistant("A")],
  ["output_B"]: [assistant("B")],
  ["reward_A"]: 0.25,
  ["reward_B"]: 1,
  label: 0,
};
const BINARY = {
  type: "binary_feedback",
  prompt: [user("U")],
  output: [assistant("A")],
  label: 1,
};

testReadings({ name: "halos-pairs", kind: "pairs" }, [
  [
    "a pair of which B was preferred",
    PAIR,
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("B")], [assistant("A")]],
      ratings: [1, 0.25],
    },
  ],
  [
    "a pair of which A was preferred, without rewards,",
    { ...PAIR, label: 1, reward_A: null, reward_B: null },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")]],
    },
  ],
]);

testReadings({ name: "halos-labels", kind: "labels" }, [[
  "binary feedback",
  { ...BINARY, reward: -2 },
  {
    form: "chat",
    prompt: [user("U")],
    completions: [[assistant("A")]],
    ratings: [-2],
    label: true,
  },
]]);

testRefusals([
  [
    "both types of feedback in one file",
    [BINARY, PAIR],
    'row 2: expected "type" to be "binary_feedback", found "pairwise_feedback" (format halos-labels)',
  ],
  [
    "an unknown type of feedback",
    [{ ...PAIR, type: "listwise_feedback" }],
    'row 1: expected "type" to be "pairwise_feedback", found "listwise_feedback" (format halos-pairs)',
  ],
  [
    "feedback without a type",
    [{ ...BINARY, type: null }],
    'row 1: no "type"; expected the columns type, prompt, output, label in every row (format halos-labels)',
  ],
  [
    "a reward of one of the two",
    [{ ...PAIR, reward_B: null }],
    'row 1: expected "reward_B" to be a finite number, found null (format halos-pairs)',
  ],
  [
    "a preference for neither",
    [{ ...PAIR, label: 0.5 }],
    'row 1: expected "label" to be true, false, 1 or 0, found 0.5 (format halos-pairs)',
  ],
]);
