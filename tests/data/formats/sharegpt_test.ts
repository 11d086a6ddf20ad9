import {
  assistant,
  type Fields,
  gpt,
  human,
  system,
  testReadings,
  testRefusals,
  tool,
  user,
} from "../format_cases.ts";

const PAIR = { chosen: gpt("B"), rejected: gpt("C") };
const COMPLETIONS = [[assistant("B")], [assistant("C")]];

testReadings({ name: "sharegpt-pairs", kind: "pairs" }, [
  [
    "a conversation of several turns",
    {
      conversations: [
        { from: "system", value: "S" },
        human("U"),
        gpt("A"),
        human("V"),
      ],
      ...PAIR,
    },
    {
      form: "chat",
      prompt: [system("S"), user("U"), assistant("A"), user("V")],
      completions: COMPLETIONS,
    },
  ],
  [
    "a system column",
    { system: "S", conversations: [human("U")], ...PAIR },
    {
      form: "chat",
      prompt: [system("S"), user("U")],
      completions: COMPLETIONS,
    },
  ],
  [
    "calls of tools, whose definitions are JSON text,",
    {
      system: "",
      tools: '[{"name": "f"}]',
      conversations: [
        human("U"),
        { from: "function_call", value: '{"name": "f"}' },
        { from: "observation", value: "42" },
      ],
      ...PAIR,
    },
    {
      form: "chat",
      prompt: [user("U"), assistant('{"name": "f"}'), tool("42")],
      completions: COMPLETIONS,
      tools: [{ name: "f" }],
    },
  ],
]);

testReadings({ name: "sharegpt-labels", kind: "labels" }, [[
  "a verdict on the last message",
  {
    conversations: [human("U"), gpt("A"), human("V"), gpt("B")],
    kto_tag: true,
  },
  {
    form: "chat",
    prompt: [user("U"), assistant("A"), user("V")],
    completions: [[assistant("B")]],
    label: true,
  },
]]);

function verdict(...conversations: Fields[]): Fields {
  return { conversations, kto_tag: true };
}

testRefusals([
  [
    "a row without its kto_tag",
    [verdict(human("U"), gpt("A")), { conversations: [human("U"), gpt("A")] }],
    'row 2: no "kto_tag"; expected the columns conversations, kto_tag in every row (format sharegpt-labels)',
  ],
  [
    "a kto_tag that is text",
    [{ ...verdict(human("U"), gpt("A")), kto_tag: "true" }],
    'row 1: expected "kto_tag" to be true, false, 1 or 0, found "true" (format sharegpt-labels)',
  ],
  [
    "a pair without rejected",
    [{ conversations: [human("U")], ...PAIR, rejected: null }],
    'row 1: no "rejected"; expected the columns conversations, chosen, rejected in every row (format sharegpt-pairs)',
  ],
  [
    "a conversation without messages",
    [{ conversations: [], ...PAIR }],
    'row 1: expected "conversations" to be one message or more, found [] (format sharegpt-pairs)',
  ],
  [
    "two user messages in a row",
    [{ conversations: [human("U"), human("V"), gpt("A")], ...PAIR }],
    "row 1: expected conversations[1] to be of the assistant, who take turns; found role user (format sharegpt-pairs)",
  ],
  [
    "a conversation that begins with the assistant",
    [verdict(gpt("A"), human("U"), gpt("B"))],
    "row 1: expected conversations[0] to be of the user or a tool, who take turns; found role assistant (format sharegpt-labels)",
  ],
  [
    "a pair whose conversation is answered already",
    [{ conversations: [human("U"), gpt("A")], ...PAIR }],
    'row 1: expected the last message of "conversations" to be of the user, found role assistant (format sharegpt-pairs)',
  ],
  [
    "a verdict on a question",
    [verdict(human("U"), gpt("A"), human("V"))],
    'row 1: expected the last message of "conversations" to be of the assistant, found role user (format sharegpt-labels)',
  ],
  [
    "a system message in the second place",
    [verdict(human("U"), { from: "system", value: "S" }, gpt("A"))],
    "row 1: expected conversations[1] to be of the assistant, who take turns; found role system (format sharegpt-labels)",
  ],
  [
    "a system message and nothing else",
    [{ conversations: [{ from: "system", value: "S" }], ...PAIR }],
    'row 1: expected the last message of "conversations" to be of the user, found role system (format sharegpt-pairs)',
  ],
]);
