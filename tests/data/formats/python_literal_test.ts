import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  looksLikeMessages,
  messagesIn,
} from "lib/data/formats/column_types.ts";
import { pythonLiteral } from "lib/data/formats/python_literal.ts";
import { Rng } from "lib/rng.ts";
import { repr } from "./python_repr.ts";

const LITERALS: [string, unknown][] = [
  ["None", null],
  ["[True, False]", [true, false]],
  ["(1, -2.5, 1e3, .5)", [1, -2.5, 1000, 0.5]],
  ["(1,)", [1]],
  ["[]", []],
  ["{}", {}],
  [`{'a': "it's", "b": 'x"y'}`, { a: "it's", b: 'x"y' }],
  [String.raw`'\n\t\\\'\x41\u00e9\U0001F600\d'`, "\n\t\\'Aé😀\\d"],
  ["{1: 'a'}", { "1": "a" }],
  [" [ 1 , 2 ] ", [1, 2]],
  ["[{'role': 'user'}\n {'role': 'x'}]", [{ role: "user" }, { role: "x" }]],
  ["array([{'a': 1}], dtype=object)", [{ a: 1 }]],
  ["[nan, 1]", [null, 1]],
];

for (const [text, value] of LITERALS) {
  Deno.test(`pythonLiteral() reads ${text}`, () =>
    deepStrictEqual(pythonLiteral(text), value));
}

Deno.test("pythonLiteral() keeps floats in arguments of tools alone", () => {
  const text = "{'n': 5.0, 'arguments': {'a': 5.0, 'b': 5, 'c': 2.5}}";
  const value = pythonLiteral(text) as { arguments: Record<string, unknown> };
  deepStrictEqual(value, {
    n: 5,
    arguments: { a: Object(5), b: 5, c: Object(2.5) },
  });
});

Deno.test("pythonLiteral() gives nothing for other text", () => {
  const others = [
    "",
    "f(1)",
    "[1",
    "'a",
    "{'a' 1}",
    "{'a': 1",
    "[1] 2",
    "print",
    String.raw`'\xg1'`,
    String.raw`'\U99999999'`,
    "[".repeat(1e5),
    "array([1]",
    "Infinity.",
  ];
  for (const text of others) strictEqual(pythonLiteral(text), undefined);
});

function randomValue(rng: Rng, depth: number): unknown {
  const texts = ["", "it's", '"q"', `'"`, "a\nb", "\\n", "é😀", "\x07\t", "]}"];
  const kind = rng.integer(depth > 0 ? 6 : 4);
  if (kind === 0) return texts[rng.integer(texts.length)];
  if (kind === 1) return rng.integer(2000) / 8 - 100;
  if (kind === 2) return rng.integer(2) === 0;
  if (kind === 3) return null;
  const items = Array.from(
    { length: rng.integer(4) },
    () => randomValue(rng, depth - 1),
  );
  if (kind === 4) return items;
  return Object.fromEntries(items.map((item, i) => [`k'${i}`, item]));
}

Deno.test("pythonLiteral() reads whatever repr() writes", () => {
  const rng = new Rng(3);
  for (let i = 0; i < 500; i++) {
    const value = randomValue(rng, 4);
    deepStrictEqual(pythonLiteral(repr(value)), value);
  }
});

Deno.test("messages have a speaker and say something, and other objects are no messages", () => {
  const turns = [{ role: "user", content: "Hi" }, { from: "gpt", value: "A" }];
  for (const value of [turns, turns[0], { role: "a", tool_calls: [] }]) {
    strictEqual(looksLikeMessages(value), true);
    deepStrictEqual(messagesIn(JSON.stringify(value)), value);
    deepStrictEqual(messagesIn(repr(value)), value);
  }
  const others = [
    [],
    {},
    { name: "Ann" },
    { role: "user" },
    { role: 5, content: "" },
    { content: "Hi" },
    { from: "Oslo", to: "Rome" },
    [turns[0], { name: "Ann" }],
    ["role", "from"],
  ];
  for (const value of others) {
    strictEqual(looksLikeMessages(value), false);
    strictEqual(messagesIn(JSON.stringify(value)), undefined);
  }
});
