import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import {
  readMessages,
  type ReadMessagesOptions,
  saysTheSame,
} from "lib/data/messages.ts";

function read(value: unknown, options?: ReadMessagesOptions) {
  const row = { location: "d.jsonl, line 1", fields: { turns: value } };
  return readMessages(row, "turns", options);
}

const HI = { role: "user", content: "Hi" };

Deno.test("readMessages() reads OpenAI's and ShareGPT's messages, one or several", () => {
  deepStrictEqual(read([HI]), [HI]);
  deepStrictEqual(read(HI), [HI]);
  deepStrictEqual(
    read([
      { from: "system", value: "S" },
      { from: "human", value: "Hi" },
      { from: "function_call", value: "f()" },
      { from: "observation", value: "42" },
      { from: "gpt", value: "" },
    ]),
    [
      { role: "system", content: "S" },
      HI,
      { role: "assistant", content: "f()" },
      { role: "tool", content: "42" },
      { role: "assistant", content: "" },
    ],
  );
});

Deno.test("readMessages() joins parts that are text", () => {
  const content = [
    { type: "text", text: "H" },
    { type: "text", value: "i" },
  ];
  deepStrictEqual(read([{ role: "user", content }]), [HI]);
});

Deno.test("readMessages() keeps what templates may use, and no null", () => {
  const calls = [{ id: "1", function: { name: "f", arguments: null } }];
  deepStrictEqual(
    read([
      { role: "assistant", content: null, tool_calls: calls, name: null },
      { role: "tool", content: "42", name: "f", tool_calls: null },
    ]),
    [
      { role: "assistant", content: "", tool_calls: calls },
      { role: "tool", content: "42", name: "f" },
    ],
  );
});

Deno.test("readMessages() reads by stated tags, and no others", () => {
  const tags = {
    role: "who",
    content: "what",
    roles: new Map([["me", "user"], ["it", "assistant"]]),
  };
  deepStrictEqual(read([{ who: "me", what: "Hi" }], { tags }), [HI]);
  throws(() => read([{ who: "user", what: "Hi" }], { tags }), {
    message:
      'Cannot read d.jsonl, line 1: unknown who "user" in turns[0]; expected one of me, it',
  });
  throws(() => read([HI], { tags }), {
    message:
      'Cannot read d.jsonl, line 1: no "who" in turns[0]; expected one of me, it',
  });
});

const ROLES =
  "expected one of system, developer, user, human, assistant, gpt, function_call, tool, observation";

const BAD: [string, unknown, string][] = [
  [
    "nothing",
    undefined,
    'expected "turns" to be one message or more, found nothing',
  ],
  ["an empty list", [], 'expected "turns" to be one message or more, found []'],
  ["text", "Hi", 'expected "turns" to be one message or more, found "Hi"'],
  [
    "a list with text",
    [HI, "Ho"],
    'expected "turns" to be one message or more, found [{"role":"user","content":"Hi"},"Ho"]',
  ],
  [
    "a missing role",
    [HI, { content: "Ho" }],
    `no "role" in turns[1]; ${ROLES}`,
  ],
  [
    "a role of null",
    [{ from: null, value: "Hi" }],
    `no "from" in turns[0]; ${ROLES}`,
  ],
  [
    "an unknown role",
    [{ from: "bing", value: "Hi" }],
    `unknown from "bing" in turns[0]; ${ROLES}`,
  ],
  [
    "a role in capitals",
    [{ role: "User", content: "Hi" }],
    `unknown role "User" in turns[0]; ${ROLES}`,
  ],
  [
    "a role that objects inherit",
    [{ role: "constructor", content: "Hi" }],
    `unknown role "constructor" in turns[0]; ${ROLES}`,
  ],
  [
    "missing content",
    [{ role: "user" }],
    'expected "turns[0].content" to be text, found nothing',
  ],
  [
    "content under the other layout's name",
    [{ role: "user", value: "Hi" }],
    'expected "turns[0].content" to be text, found nothing',
  ],
  [
    "content of null",
    [{ from: "gpt", value: null }],
    'expected "turns[0].value" to be text, found null',
  ],
  [
    "content that is a number",
    [{ role: "user", content: 5 }],
    'expected "turns[0].content" to be text, found 5',
  ],
  [
    "content of no parts",
    [{ role: "user", content: [] }],
    'expected "turns[0].content" to be text, found []',
  ],
  [
    "content with an image",
    [{
      role: "user",
      content: [{ type: "text", text: "Hi" }, { type: "image" }],
    }],
    'expected "turns[0].content[1]" to be a part of type text, found {"type":"image"}',
  ],
  [
    "content with a part that has no text",
    [{ role: "user", content: [{ type: "text" }] }],
    'expected "turns[0].content[0]" to be a part of type text, found {"type":"text"}',
  ],
  [
    "calls that are text",
    [{ role: "assistant", content: "", tool_calls: "f()" }],
    'expected "turns[0].tool_calls" to be a list of one call or more, found "f()"',
  ],
  [
    "no content and no calls",
    [{ role: "assistant", content: null, tool_calls: [] }],
    'expected "turns[0].content" to be text, found null',
  ],
];

for (const [what, value, message] of BAD) {
  Deno.test(`readMessages() refuses ${what}`, () => {
    throws(() => read(value), {
      message: `Cannot read d.jsonl, line 1: ${message}`,
    });
  });
}

const call = (given: unknown) => ({
  role: "assistant",
  content: "",
  tool_calls: [{ type: "function", function: { name: "f", arguments: given } }],
});

Deno.test("readMessages() takes an empty list of calls for none", () => {
  const [message] = read([{ role: "user", content: "Hi", tool_calls: [] }]);
  deepStrictEqual(message, HI);
});

Deno.test("readMessages() decodes arguments once, and only those that are an object's JSON", () => {
  const given: [unknown, unknown][] = [
    ['{"city": "Oslo"}', { city: "Oslo" }],
    ["{}", {}],
    ['{"a": "{\\"b\\": 1}"}', { a: '{"b": 1}' }],
    [{ city: null }, { city: null }],
    ['"Oslo"', '"Oslo"'],
    ["[1]", "[1]"],
    ["Oslo", "Oslo"],
    ["", ""],
  ];
  for (const [written, expected] of given) {
    deepStrictEqual(read([call(written)]), [call(expected)]);
    const flat = { role: "assistant", content: "" };
    deepStrictEqual(
      read([{ ...flat, tool_calls: [{ name: "f", arguments: written }] }]),
      [{ ...flat, tool_calls: [{ name: "f", arguments: expected }] }],
    );
  }
});

Deno.test("readMessages() leaves out what Arrow adds to a call", () => {
  const value = [{
    ...call({ city: "Oslo", zone: null, at: { lat: 1, lon: null } }),
    name: null,
  }];
  const row = { location: "d.parquet, row 1", fields: { value }, arrow: true };
  deepStrictEqual(readMessages(row, "value"), [
    call({ city: "Oslo", at: { lat: 1 } }),
  ]);
});

Deno.test("saysTheSame() compares what a model sees, without notes and ids", () => {
  const turn = { ...call({ city: "Oslo" }), ["reasoning_content"]: "Hm." };
  const notes = { ...turn, id: "7", model: "m", ["loss_weight"]: 0 };
  strictEqual(saysTheSame(turn, notes), true);
  const [{ function: called }] = turn.tool_calls as [
    typeof turn.tool_calls[number],
  ];
  const named = { ...turn, ["tool_calls"]: [{ id: "9", function: called }] };
  strictEqual(saysTheSame(turn, named), true);
  const others = [
    { content: "Hi" },
    { role: "user" },
    { reasoning_content: "Ah." },
    { thinking: "Ah." },
    { name: "n" },
    { tool_calls: call({ city: "Rome" }).tool_calls },
    { tool_calls: undefined },
  ];
  for (const other of others) {
    strictEqual(saysTheSame(turn, { ...turn, ...other }), false);
  }
});
