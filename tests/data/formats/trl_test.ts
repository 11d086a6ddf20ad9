import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  assistant,
  type Fields,
  read,
  system,
  testReadings,
  testRefusals,
  tool,
  user,
} from "../format_cases.ts";

testReadings({ name: "trl-pairs", kind: "pairs" }, [
  [
    "text pairs",
    { id: 7, prompt: "Hi ", chosen: "you", rejected: "" },
    { form: "text", prompt: "Hi ", completions: ["you", ""] },
  ],
  [
    "a pair of the same text twice",
    { prompt: "Hi ", chosen: "you", rejected: "you" },
    { form: "text", prompt: "Hi ", completions: ["you", "you"] },
  ],
  [
    "text pairs beside columns that are null",
    {
      conversations: null,
      prompt: "Hi ",
      chosen: "you",
      rejected: "me",
      label: null,
      system: null,
      tools: null,
    },
    { form: "text", prompt: "Hi ", completions: ["you", "me"] },
  ],
]);

testReadings({ name: "trl-pairs-chat", kind: "pairs" }, [
  [
    "pairs of messages with a prompt",
    {
      prompt: [system("S"), user("U")],
      chosen: [assistant("A")],
      rejected: [assistant("B")],
    },
    {
      form: "chat",
      prompt: [system("S"), user("U")],
      completions: [[assistant("A")], [assistant("B")]],
    },
  ],
  [
    "completions of several turns",
    {
      prompt: [user("U")],
      chosen: [assistant("A"), tool("T"), assistant("B")],
      rejected: [assistant("C")],
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [
        [assistant("A"), tool("T"), assistant("B")],
        [assistant("C")],
      ],
    },
  ],
  [
    "messages with a system column and tools",
    {
      prompt: [user("U")],
      chosen: [assistant("A")],
      rejected: [assistant("B")],
      system: "S",
      tools: [{ name: "f" }],
    },
    {
      form: "chat",
      prompt: [system("S"), user("U")],
      completions: [[assistant("A")], [assistant("B")]],
      tools: [{ name: "f" }],
    },
  ],
  [
    "messages with the JSON text of tools",
    {
      prompt: [user("U")],
      chosen: [assistant("A")],
      rejected: [assistant("B")],
      tools: '[{"name": "f"}]',
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")]],
      tools: [{ name: "f" }],
    },
  ],
  [
    "messages whose tools are empty text",
    {
      prompt: [user("U")],
      chosen: [assistant("A")],
      rejected: [assistant("B")],
      tools: "",
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")]],
    },
  ],
]);

testReadings({ name: "trl-pairs-implicit", kind: "pairs" }, [
  [
    "conversations, whose common messages are the prompt,",
    {
      chosen: [system("S"), user("U"), assistant("Yes")],
      rejected: [system("S"), user("U"), assistant("Yes and no")],
    },
    {
      form: "chat",
      prompt: [system("S"), user("U")],
      completions: [[assistant("Yes")], [assistant("Yes and no")]],
    },
  ],
  [
    "conversations that part at an earlier answer",
    {
      chosen: [user("U"), assistant("A"), user("V"), assistant("B")],
      rejected: [user("U"), assistant("C"), user("V"), assistant("D")],
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [
        [assistant("A"), user("V"), assistant("B")],
        [assistant("C"), user("V"), assistant("D")],
      ],
    },
  ],
  [
    "identical conversations, whose last message is the answer,",
    {
      chosen: [user("U"), assistant("A")],
      rejected: [user("U"), assistant("A")],
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("A")]],
    },
  ],
]);

testReadings({ name: "zephyr", kind: "pairs" }, [
  [
    "scored conversations beside the text of their first message",
    {
      prompt: "U ",
      chosen: [user("U"), assistant("A")],
      rejected: [user("U"), assistant("B")],
      score_chosen: 8.5,
      score_rejected: 3,
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")]],
      ratings: [8.5, 3],
    },
  ],
]);

testReadings({ name: "trl-labels", kind: "labels" }, [
  [
    "labelled text",
    { prompt: "Hi", completion: " you", label: true },
    { form: "text", prompt: "Hi", completions: [" you"], label: true },
  ],
  [
    "a label of 0",
    { prompt: "Hi", completion: "", label: 0 },
    { form: "text", prompt: "Hi", completions: [""], label: false },
  ],
  [
    "a label of 1",
    { prompt: "Hi", completion: "", label: 1 },
    { form: "text", prompt: "Hi", completions: [""], label: true },
  ],
]);

testReadings({ name: "trl-labels-chat", kind: "labels" }, [
  [
    "labelled messages with a prompt",
    { prompt: [user("U")], completion: [assistant("A")], label: false },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")]],
      label: false,
    },
  ],
]);

testReadings({ name: "messages-labels", kind: "labels" }, [
  [
    "labelled conversations, whose last message is the completion,",
    {
      messages: [user("U"), assistant("A"), user("V"), assistant("B")],
      label: true,
    },
    {
      form: "chat",
      prompt: [user("U"), assistant("A"), user("V")],
      completions: [[assistant("B")]],
      label: true,
    },
  ],
]);

testReadings({ name: "ranks", kind: "ranks" }, [
  [
    "ranked texts",
    { prompt: "Hi", completions: [" you", " me", ""] },
    { form: "text", prompt: "Hi", completions: [" you", " me", ""] },
  ],
  [
    "ranked texts with scores",
    { prompt: "Hi", completions: [" you", " me"], scores: [2, 2] },
    {
      form: "text",
      prompt: "Hi",
      completions: [" you", " me"],
      ratings: [2, 2],
    },
  ],
]);

testReadings({ name: "ranks-chat", kind: "ranks" }, [
  [
    "ranked messages",
    {
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")], assistant("C")],
    },
    {
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")], [assistant("C")]],
    },
  ],
]);

const PAIR = { prompt: "Hi", chosen: "a", rejected: "b" };
const CHAT = {
  prompt: [user("U")],
  chosen: [assistant("A")],
  rejected: [assistant("B")],
};

testRefusals([
  [
    "a label that is another number",
    [{ prompt: "Hi", completion: "a", label: 2 }],
    'row 1: expected "label" to be true, false, 1 or 0, found 2 (format trl-labels)',
  ],
  [
    "a label that is text",
    [{ prompt: "Hi", completion: "a", label: "false" }],
    'row 1: expected "label" to be true, false, 1 or 0, found "false" (format trl-labels)',
  ],
  [
    "text pairs without a prompt, which are not split at characters,",
    [{ chosen: "The sky is blue.", rejected: "The sky is black." }],
    'row 1: no "prompt"; expected the columns prompt, chosen, rejected in every row (format trl-pairs)',
  ],
  [
    "conversations with nothing in common",
    [{
      chosen: [user("U"), assistant("A")],
      rejected: [user("V"), assistant("A")],
    }],
    'row 1: expected "chosen" and "rejected" to begin with the same messages, the prompt; found none in common (format trl-pairs-implicit)',
  ],
  [
    "conversations that part at a user message",
    [{
      chosen: [user("U"), assistant("A"), user("V"), assistant("B")],
      rejected: [user("U"), assistant("A"), user("W"), assistant("C")],
    }],
    'row 1: expected the completion in "chosen" to begin with an assistant message, found role user (format trl-pairs-implicit)',
  ],
  [
    "a conversation that ends with the user",
    [{
      chosen: [user("U"), assistant("A"), user("V")],
      rejected: [user("U"), assistant("B")],
    }],
    'row 1: expected the completion in "chosen" to end with an assistant message, found role user (format trl-pairs-implicit)',
  ],
  [
    "text beside a prompt of messages",
    [{ prompt: [user("U")], chosen: "a", rejected: "b" }],
    'row 1: expected "prompt" to be text, found [{"role":"user","content":"U"}] (format trl-pairs)',
  ],
  [
    "a message beside a text prompt",
    [{ prompt: "Hi", completion: [assistant("A")], label: true }],
    'row 1: expected "prompt" to be messages, found "Hi" (format trl-labels-chat)',
  ],
  [
    "a conversation that ends with a question",
    [{ messages: [user("U"), assistant("A"), user("V")], label: true }],
    'row 1: expected the completion in "messages" to begin with an assistant message, found role user (format messages-labels)',
  ],
  [
    "an answer without a prompt",
    [{ messages: [assistant("A")], label: true }],
    'row 1: expected "messages" to be a prompt and an answer, two messages or more, found [{"role":"assistant","content":"A"}] (format messages-labels)',
  ],
  [
    "a conversation of no messages",
    [{ messages: [], label: true }],
    'row 1: expected "messages" to be one message or more, found [] (format messages-labels)',
  ],
  [
    "two system messages",
    [{ ...CHAT, prompt: [system("S"), system("T"), user("U")] }],
    'row 1: expected "prompt" to have a system message in the first place only, found another one (format trl-pairs-chat)',
  ],
  [
    "a system message in a completion",
    [{ ...CHAT, chosen: [assistant("A"), system("S"), assistant("B")] }],
    'row 1: expected "chosen" to have a system message in the first place only, found another one (format trl-pairs-chat)',
  ],
  [
    "a system column that contradicts the conversation",
    [{ ...CHAT, prompt: [system("S"), user("U")], system: "T" }],
    `row 1: expected "system" to be the conversation's system message "S", found "T" (format trl-pairs-chat)`,
  ],
  [
    "a system column beside text, which would be lost,",
    [PAIR, { ...PAIR, system: "S" }],
    'row 2: expected "system" to be absent: only messages have a system message, found "S" (format trl-pairs)',
  ],
  [
    "tools beside text, which would be lost,",
    [{ ...PAIR, tools: [{ name: "f" }] }],
    'row 1: expected "tools" to be absent: only messages can be rendered with tools, found [{"name":"f"}] (format trl-pairs)',
  ],
  [
    "tools that are not a list",
    [{ ...CHAT, tools: "hammer" }],
    'row 1: expected "tools" to be a list of tools, or its JSON text, found "hammer" (format trl-pairs-chat)',
  ],
  [
    "a prompt that is none of the conversations' messages",
    [{
      prompt: "V",
      chosen: [user("U"), assistant("A")],
      rejected: [user("U"), assistant("B")],
    }],
    'row 1: expected "prompt" to be a message that "chosen" and "rejected" begin with (format trl-pairs-implicit passes "prompt" over), found "V" (format zephyr)',
  ],
  [
    "a ranking of one",
    [{ prompt: "Hi", completions: ["you"] }],
    'row 1: expected "completions" to be two or more completions, found ["you"] (format ranks)',
  ],
  [
    "an empty ranking",
    [{ prompt: "Hi", completions: [] }],
    'row 1: expected "completions" to be two or more completions, found [] (format ranks)',
  ],
  [
    "ranked conversations after a text",
    [{ prompt: "Hi", completions: [[assistant("A")], [assistant("B")]] }],
    'row 1: expected "prompt" to be messages, found "Hi" (format ranks-chat)',
  ],
  [
    "a ranked question",
    [{ prompt: [user("U")], completions: [[assistant("A")], [user("B")]] }],
    'row 1: expected the completion in "completions[1]" to begin with an assistant message, found role user (format ranks-chat)',
  ],
  [
    "scores that rise",
    [{ prompt: "Hi", completions: ["a", "b"], scores: [1, 2] }],
    'row 1: expected "scores" to be 2 numbers that do not rise, as "completions" stand, found [1,2] (format ranks)',
  ],
  [
    "scores that are too few",
    [{ prompt: "Hi", completions: ["a", "b"], scores: [1] }],
    'row 1: expected "scores" to be 2 numbers that do not rise, as "completions" stand, found [1] (format ranks)',
  ],
]);

Deno.test("openRows() takes a repeated prompt off conversations, whatever notes their messages have", async () => {
  const prompt = [user("Hi"), assistant("Hello."), user("Colour?")];
  const whole = (answer: string, model: string) => [
    ...prompt.map((message) => ({ ...message, model })),
    assistant(answer),
  ];
  const expected = [[assistant("Blue.")], [assistant("Tuesday.")]];
  const both = [whole("Blue.", "a"), whole("Tuesday.", "b")];
  const rows: Fields[] = [
    { prompt, chosen: both[0], rejected: both[1] },
    { prompt, completions: both },
    { chosen: both[0], rejected: both[1] },
  ];
  for (const row of rows) {
    const { rows: [found] } = await read([row]);
    deepStrictEqual(found?.completions, expected);
    strictEqual(found?.prompt.length, 3);
  }
});

Deno.test("text that spells messages is these in every column that holds messages", async () => {
  const prompt = [user("Hi")];
  const [good, bad] = [[assistant("A")], [assistant("B")]];
  const rows: Fields[] = [
    { prompt, chosen: good, rejected: bad },
    { prompt, completion: good, label: true },
    { prompt, completions: [good, bad] },
    { chosen: [...prompt, ...good], rejected: [...prompt, ...bad] },
    { messages: [...prompt, ...good], label: false },
  ];
  for (const row of rows) {
    const asText = (value: unknown): unknown => {
      if (!Array.isArray(value)) return value;
      return Array.isArray(value[0])
        ? value.map(asText)
        : JSON.stringify(value);
    };
    const spelled = Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, asText(value)]),
    );
    deepStrictEqual(await read([spelled]), await read([row]));
  }
});
