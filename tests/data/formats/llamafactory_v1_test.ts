import {
  assistant,
  system,
  testReadings,
  testRefusals,
  user,
} from "../format_cases.ts";

/** A message as it stands in such a file. */
function weighted(role: string, value: string, weight?: number) {
  return {
    role,
    content: [{ type: "text", value }],
    ...weight === undefined ? {} : { loss_weight: weight },
  };
}

testReadings({ name: "llamafactory-v1", kind: "pairs" }, [[
  "weighted conversations of parts",
  {
    chosen_messages: [
      weighted("system", "S", 0),
      weighted("user", "U", 0),
      weighted("assistant", "A", 1),
    ],
    rejected_messages: [
      weighted("system", "S", 0),
      weighted("user", "U", 0),
      weighted("assistant", "B", 1),
    ],
    tools: "[]",
  },
  {
    form: "chat",
    prompt: [system("S"), user("U")],
    completions: [[assistant("A")], [assistant("B")]],
  },
]]);

function pair(...completion: unknown[]) {
  return {
    chosen_messages: [weighted("user", "U"), ...completion],
    rejected_messages: [weighted("user", "U"), weighted("assistant", "B")],
  };
}

testRefusals([
  [
    "an answer of other weight than 1",
    [pair(weighted("assistant", "A", 0.5))],
    'row 1: expected "chosen_messages[1].loss_weight" to be 1 for the role assistant, found 0.5 (format llamafactory-v1)',
  ],
  [
    "a user message that is to be learned",
    [pair(
      weighted("assistant", "A", 1),
      weighted("user", "V", 1),
      weighted("assistant", "B", 1),
    )],
    'row 1: expected "chosen_messages[2].loss_weight" to be 0 for the role user, found 1 (format llamafactory-v1)',
  ],
  [
    "parts that are no text",
    [pair({
      role: "assistant",
      content: [{ type: "image_url", value: "a.png" }],
    })],
    'row 1: expected "chosen_messages[1].content[0]" to be a part of type text, found {"type":"image_url","value":"a.png"} (format llamafactory-v1)',
  ],
]);
