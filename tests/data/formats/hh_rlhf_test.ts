import {
  assistant,
  testReadings,
  testRefusals,
  user,
} from "../format_cases.ts";

testReadings({ name: "hh-rlhf", kind: "pairs" }, [
  [
    "dialogues, whose common turns are the prompt,",
    {
      chosen:
        "\n\nHuman: Hi!\n\nAssistant: Hello.\n\nHuman: Why?\n\nAssistant: So.",
      rejected:
        "\n\nHuman: Hi!\n\nAssistant: Hello.\n\nHuman: Why?\n\nAssistant: Soon.",
    },
    {
      form: "chat",
      prompt: [user("Hi!"), assistant("Hello."), user("Why?")],
      completions: [[assistant("So.")], [assistant("Soon.")]],
    },
  ],
  [
    "answers with paragraphs, spaces and nothing",
    {
      chosen: "\n\nHuman: Hi!\n\nAssistant:  One\n\ntwo Human: \n",
      rejected: "\n\nHuman: Hi!\n\nAssistant:",
    },
    {
      form: "chat",
      prompt: [user("Hi!")],
      completions: [[assistant(" One\n\ntwo Human: \n")], [assistant("")]],
    },
  ],
]);

testReadings({ name: "hh-rlhf-prompt", kind: "pairs" }, [
  [
    "dialogues beside the prompt that they repeat",
    {
      prompt: "\n\nHuman: Hi!\n\nAssistant:",
      chosen: "\n\nHuman: Hi!\n\nAssistant: A",
      rejected: "\n\nHuman: Hi!\n\nAssistant: B",
    },
    {
      form: "chat",
      prompt: [user("Hi!")],
      completions: [[assistant("A")], [assistant("B")]],
    },
  ],
  [
    "a prompt that ends before the answers part, or after,",
    {
      prompt: "\n\nHuman: Hi!",
      chosen: "\n\nHuman: Hi!\n\nAssistant: A\n\nHuman: So?\n\nAssistant: C",
      rejected: "\n\nHuman: Hi!\n\nAssistant: A\n\nHuman: So?\n\nAssistant: D",
    },
    {
      form: "chat",
      prompt: [user("Hi!")],
      completions: [
        [assistant("A"), user("So?"), assistant("C")],
        [assistant("A"), user("So?"), assistant("D")],
      ],
    },
  ],
]);

testRefusals([[
  "a dialogue that does not begin with the prompt",
  [{
    prompt: "\n\nHuman: Hi!\n\nAssistant: ",
    chosen: "\n\nHuman: Ho!\n\nAssistant: A",
    rejected: "\n\nHuman: Hi!\n\nAssistant: B",
  }],
  'row 1: expected "chosen" to be a dialogue that begins with "prompt", ' +
  'found "\\n\\nHuman: Ho!\\n\\nAssistant: A" (format hh-rlhf-prompt)',
]]);

const PAIR = {
  chosen: "\n\nHuman: Hi!\n\nAssistant: A",
  rejected: "\n\nHuman: Hi!\n\nAssistant: B",
};

testRefusals([
  [
    "text that is no dialogue",
    [PAIR, { ...PAIR, rejected: "No." }],
    String
      .raw`row 2: expected "rejected" to be "\n\nHuman: …\n\nAssistant: …", found "No." (format hh-rlhf)`,
  ],
  [
    "a first row with half a dialogue",
    [{ ...PAIR, rejected: "No." }],
    String
      .raw`row 1: expected "rejected" to be "\n\nHuman: …\n\nAssistant: …", found "No." (format hh-rlhf)`,
  ],
  [
    "a dialogue that ends with the human",
    [{ ...PAIR, chosen: "\n\nHuman: Hi!\n\nAssistant: A\n\nHuman: Bye" }],
    'row 1: expected the last message of "chosen" to be of the assistant, found role user (format hh-rlhf)',
  ],
  [
    "a dialogue in which one speaks twice",
    [{ ...PAIR, chosen: "\n\nHuman: Hi!\n\nHuman: Ho!\n\nAssistant: A" }],
    "row 1: expected chosen[1] to be of the assistant, who take turns; found role user (format hh-rlhf)",
  ],
  [
    "dialogues about different things",
    [{ ...PAIR, chosen: "\n\nHuman: Ho!\n\nAssistant: A" }],
    'row 1: expected "chosen" and "rejected" to begin with the same messages, the prompt; found none in common (format hh-rlhf)',
  ],
]);
