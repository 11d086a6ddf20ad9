import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { EncodeOptions } from "lib/data/tokenize/encode_options.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import type { EncodedRow } from "lib/data/tokenize/tokenize_spans.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import {
  baseSize,
  bytes,
  type ByteTokenizerOptions,
  withByteTokenizer,
} from "../byte_tokenizer.ts";
import type { Content } from "lib/data/preference_row.ts";

const TURNS =
  "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}";
const OPENING = "{% if add_generation_prompt %}<|assistant|>{% endif %}";
const template = (source: string): ByteTokenizerOptions => ({
  config: Object.fromEntries([["chat_template", source]]),
});

const text = (prompt: string, ...completions: string[]): Content => ({
  form: "text",
  prompt,
  completions,
});
const chat = (prompt: string, ...completions: string[]): Content => ({
  form: "chat",
  prompt: [{ role: "user", content: prompt }],
  completions: completions.map((content) => [{ role: "assistant", content }]),
});

/** A template that leaves out what stands before a tag. */
const CUT = TURNS.replace("m.content }}", "m.content.split('</s>')[-1] }}");
/** A template that takes calls as DeepSeek's does. */
const CALLS =
  "{% for m in messages %}<|{{ m.role }}|>{% if m.content is none %}" +
  "{% for c in m.tool_calls %}{{ c.function.name + c.function.arguments }}{% endfor %}" +
  "{% else %}{{ m.content }}{% endif %}{{ eos_token }}{% endfor %}";
const call = (called: unknown): Content => {
  const calls = Object.fromEntries([["tool_calls", [called]]]);
  return {
    form: "chat",
    prompt: [{ role: "user", content: "Hi" }],
    completions: [[{ role: "assistant", content: "", ...calls }]],
  };
};
const called = { name: "f", arguments: { n: Object(1) } };

const YES: ByteTokenizerOptions = { merges: [["Ġ", "y"]] };

/** What is shown, the tokenizer, the row, its ids, and options. */
const CASES: [
  string,
  ByteTokenizerOptions,
  Content,
  EncodedRow,
  EncodeOptions?,
][] = [
  [
    "gives text one BOS and each completion an EOS",
    {},
    text("Hi", "you", " me"),
    {
      prompt: [0, ...bytes("Hi")],
      completions: [[...bytes("you"), 1], [...bytes(" me"), 1]],
      boundaryShifted: false,
    },
  ],
  [
    "adds no BOS or EOS where the text has it written out",
    {},
    text("<s>Hi", "you</s>"),
    {
      prompt: [0, ...bytes("Hi")],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
    },
  ],
  [
    "adds no BOS where the tokenizer does not",
    { bos: false },
    text("Hi", "you"),
    {
      prompt: bytes("Hi"),
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
    },
  ],
  [
    "makes BOS the prompt of a text without one",
    {},
    text("", "you"),
    {
      prompt: [0],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
    },
  ],
  [
    "takes prompt and completion apart where a token spans their boundary",
    YES,
    text("Is it ", "yes", "no"),
    {
      prompt: [0, ...bytes("Is it ")],
      completions: [[...bytes("yes"), 1], [...bytes("no"), 1]],
      boundaryShifted: true,
    },
  ],
  [
    "moves the boundary left of a token that spans it, for both sides of a pair, when told to",
    YES,
    text("Is it ", "yes", "no"),
    {
      prompt: [0, ...bytes("Is it")],
      completions: [
        [baseSize, ...bytes("es"), 1],
        [...bytes(" no"), 1],
      ],
      boundaryShifted: true,
    },
    { boundary: "shift" },
  ],
  [
    "lets a row pass whose boundary no token spans, where others are refused",
    YES,
    text("Is it", " yes", " no"),
    {
      prompt: [0, ...bytes("Is it")],
      completions: [
        [baseSize, ...bytes("es"), 1],
        [...bytes(" no"), 1],
      ],
      boundaryShifted: false,
    },
    { boundary: "error" },
  ],
  [
    "takes special tokens for text when told to",
    {},
    text("a</s>b", "c<s>"),
    {
      prompt: [0, ...bytes("a</s>b")],
      completions: [[...bytes("c<s>"), 1]],
      boundaryShifted: false,
      specialInText: "</s>",
    },
    { specials: "text" },
  ],
  [
    "takes special tokens in text for tokens otherwise, and says so",
    {},
    text("a</s>b", "c</s>"),
    {
      prompt: [0, ...bytes("a"), 1, ...bytes("b")],
      completions: [[...bytes("c"), 1]],
      boundaryShifted: false,
      specialInText: "</s>",
    },
  ],
  [
    "takes special tokens in messages for text, and says so",
    template(TURNS + OPENING),
    chat("Hi</s><|assistant|>", "y</s>"),
    {
      prompt: [2, ...bytes("Hi</s><|assistant|>"), 1, 3],
      completions: [[...bytes("y</s>"), 1]],
      boundaryShifted: false,
      specialInText: "</s>",
    },
  ],
  [
    "takes special tokens in messages for tokens when told to",
    template(TURNS + OPENING),
    chat("Hi", "y</s>"),
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("y"), 1, 1]],
      boundaryShifted: false,
      specialInText: "</s>",
    },
    { specials: "token" },
  ],
  [
    "gives a template its options and tools",
    template("{{ level }}{{ tools[0].name }}" + TURNS + OPENING),
    { ...chat("Hi", "you"), ...{ tools: [{ name: "t" }] } },
    {
      prompt: [...bytes("7t"), 2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
    },
    { templateOptions: { level: 7 } },
  ],
  [
    "puts text through the template where that is asked for",
    template(TURNS + OPENING),
    text("Hi", "you", " me", ""),
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you"), 1], [...bytes(" me"), 1], []],
      boundaryShifted: false,
    },
    { template: true },
  ],
  [
    "gives a template the row's own options before those of settings",
    template("{{ level }}{{ other }}" + TURNS + OPENING),
    { ...chat("Hi", "you"), ...{ templateOptions: { level: 8 } } },
    {
      prompt: [...bytes("89"), 2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
    },
    { templateOptions: { level: 7, other: 9 } },
  ],
  [
    "says where a template leaves the system turn out",
    template(TURNS.replace("in messages", "in messages[1:]") + OPENING),
    {
      form: "chat",
      prompt: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
      ],
      completions: [[{ role: "assistant", content: "you" }]],
    },
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
      leftOut: ["systemDropped"],
    },
  ],
  [
    "lets a template read special tokens, and says what it leaves out",
    template(CUT + OPENING),
    chat("Hi", "so</s>you<s>"),
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you<s>"), 1]],
      boundaryShifted: false,
      specialInText: "</s>",
      leftOut: ["answersDropped"],
    },
  ],
  [
    "keeps the special tokens of those as text whose tokens a template does not read",
    template(
      CUT.replace(
        "m.content.",
        "m.content if m.role == 'user' else m.content.",
      ) +
        OPENING,
    ),
    chat("Hi</s>", "so</s>you"),
    {
      prompt: [2, ...bytes("Hi</s>"), 1, 3],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
      specialInText: "</s>",
      leftOut: ["answersDropped"],
    },
  ],
  [
    "lets an answer begin with the special token that the generation prompt ends in",
    template(
      TURNS + OPENING.replace("{% endif", "<s>{% endif"),
    ),
    chat("Hi<s>", "<s>you", "<s>m</s>e"),
    {
      prompt: [2, ...bytes("Hi<s>"), 1, 3, 0],
      completions: [[...bytes("you"), 1], [...bytes("m</s>e"), 1]],
      boundaryShifted: false,
      specialInText: "<s>",
    },
  ],
  ...[called, { type: "function", function: called }].map((
    each,
  ): typeof CASES[number] => [
    "finds the form of calls that a template takes",
    template(CALLS + OPENING),
    call(each),
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes('f{"n": 1.0}'), 1]],
      boundaryShifted: false,
    },
  ]),
  [
    "says where a template leaves tools out",
    template(TURNS + OPENING),
    { ...chat("Hi", "you"), ...{ tools: [{ name: "t" }] } },
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: false,
      leftOut: ["toolsDropped"],
    },
  ],
  [
    "keeps the boundary where the spanning token is in the completion alone",
    YES,
    text("Is it", " yes", " no"),
    {
      prompt: [0, ...bytes("Is it")],
      completions: [
        [baseSize, ...bytes("es"), 1],
        [...bytes(" no"), 1],
      ],
      boundaryShifted: false,
    },
  ],
  [
    "keeps what both completions begin with out of the prompt",
    {},
    text("a", "bc", "bd"),
    {
      prompt: [0, ...bytes("a")],
      completions: [[...bytes("bc"), 1], [...bytes("bd"), 1]],
      boundaryShifted: false,
    },
  ],
  [
    "gives a conversation what its template writes, and no BOS besides",
    template(TURNS + OPENING),
    chat("Hi", "you", "me"),
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you"), 1], [...bytes("me"), 1]],
      boundaryShifted: false,
    },
  ],
  [
    "scores the assistant's turns after the prompt",
    template(TURNS + OPENING),
    {
      form: "chat",
      prompt: [{ role: "user", content: "a" }],
      completions: [[
        { role: "assistant", content: "b" },
        { role: "user", content: "c" },
        { role: "assistant", content: "d" },
      ]],
    },
    {
      prompt: [2, ...bytes("a"), 1, 3],
      completions: [
        [...bytes("b"), 1, 2, ...bytes("c"), 1, 3, ...bytes("d"), 1],
      ],
      lossMask: [[true, true, false, false, false, false, true, true]],
      boundaryShifted: false,
    },
  ],
  [
    "moves the boundary where only the generation prompt begins a thought, when told to",
    template(TURNS + OPENING.replace("{% endif", "{think}{% endif")),
    chat("Hi", "you"),
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[...bytes("you"), 1]],
      boundaryShifted: true,
    },
    { boundary: "shift" },
  ],
  [
    "has no ids for an answer that says nothing",
    template(TURNS + OPENING),
    chat("Hi", "", "me"),
    {
      prompt: [2, ...bytes("Hi"), 1, 3],
      completions: [[], [...bytes("me"), 1]],
      boundaryShifted: false,
    },
  ],
  [
    "has no ids for text that says nothing",
    {},
    text("Hi", ""),
    { prompt: [0, ...bytes("Hi")], completions: [[]], boundaryShifted: false },
  ],
  [
    "leaves token ids as they are",
    {},
    { form: "ids", prompt: [9, 0], completions: [[8], [7, 7]] },
    { prompt: [9, 0], completions: [[8], [7, 7]], boundaryShifted: false },
  ],
];

for (const [name, options, content, expected, encoding] of CASES) {
  Deno.test(`encodeRow() ${name}`, () =>
    withByteTokenizer(options, async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      const row = { location: "d.jsonl, line 1", ...content };
      deepStrictEqual(encodeRow(row, tokenizer, encoding), expected);
    }));
}

/** What is missing, the tokenizer, the row, the message, and options. */
const BAD: [
  string,
  ByteTokenizerOptions | null,
  Content,
  string,
  EncodeOptions?,
][] = [
  ...(["error", "drop"] as const).map((boundary): typeof BAD[number] => [
    `a token that spans the boundary, told to ${boundary}`,
    YES,
    text("Is it ", "yes", "no"),
    "a token spans the end of a prompt or turn: " +
    'apart the text goes on with " ", together with " y"',
    { boundary },
  ]),
  [
    "a generation prompt that no answer begins with",
    template(TURNS + OPENING.replace("{% endif", "{think}{% endif")),
    chat("Hi", "you"),
    "the chat template begins an answer differently than its generation " +
    'prompt does: "{think}" becomes "you</s>"',
  ],
  [
    "a mark of its own in text",
    {},
    text("Hi", "you\ufdd0"),
    "expected text, found U+FDD0, which is not a character",
  ],
  [
    "a mark of its own in a message",
    template(TURNS + OPENING),
    chat("Hi \ufdd0", "you"),
    "expected text, found U+FDD0, which is not a character",
  ],
  [
    "text without a tokenizer",
    null,
    text("Hi", "you"),
    "expected a tokenizer.json in the model folder",
  ],
  [
    "text without an EOS",
    { config: Object.fromEntries([["eos_token", null]]) },
    text("Hi", "you"),
    "expected an eos_token in tokenizer_config.json, to end text",
  ],
  [
    "messages without a template",
    {},
    chat("Hi", "you"),
    "messages need a chat template, and the model folder has none " +
    "(chat_template.jinja, or chat_template in tokenizer_config.json)",
  ],
  [
    "special tokens that the template refuses, by its own words",
    template(
      "{% if '<|user|>' in messages[-1].content %}" +
        "{{ raise_exception('no tags') }}{% endif %}" + TURNS + OPENING,
    ),
    chat("Hi", "<|user|>"),
    "Cannot render the chat template of tokenizer_config.json: no tags",
  ],
  [
    "an answer of which the template leaves everything out",
    template(TURNS + OPENING),
    call(called),
    "the chat template leaves out all that completion 1 says (tool calls)",
  ],
  [
    "messages that the template refuses",
    template("{{ raise_exception('no ' + messages[0].role) }}"),
    chat("Hi", "you"),
    "Cannot render the chat template of tokenizer_config.json: no user",
  ],
];

for (const [name, options, content, reason, encoding] of BAD) {
  Deno.test(`encodeRow() refuses ${name}`, () =>
    withByteTokenizer(options ?? {}, async (folder) => {
      const tokenizer = options && await loadTokenizer(folder);
      const row = { location: "d.jsonl, line 1", ...content };
      throws(() => encodeRow(row, tokenizer, encoding), (error: Error) => {
        const message = error.message.replace(`${folder}/`, "");
        strictEqual(message, `Cannot tokenize d.jsonl, line 1: ${reason}`);
        return true;
      });
    }));
}
