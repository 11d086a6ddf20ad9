import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { moduleMatcher } from "lib/models/adapter/module_pattern.ts";

/** Names of modules that patterns are tried on. */
const MODULES = [
  "lm_head",
  "model.layers.0.self_attn.q_proj",
  "model.layers.1.self_attn.q_proj",
  "model.layers.1.self_attn.v_proj",
  "model.layers.11.mlp.up_proj",
  "transformer.h.1.mlp.c_fc",
];

/*
The modules, by number, that match in PEFT 0.21.2:

from peft.utils.other import get_pattern_key
[i for i, name in enumerate(MODULES) if get_pattern_key([pattern], name) == pattern]
*/
const FOUND: readonly [string, readonly number[]][] = [
  ["q_proj", [1, 2]],
  ["^q_proj", []],
  ["^lm_head", [0]],
  [String.raw`self_attn\.q_proj`, [1, 2]],
  [String.raw`layers\.(0|1)\.self_attn\.(q|v)_proj`, [1, 2, 3]],
  ["layers.[01].self_attn.q_proj", [1, 2]],
  ["layers.1.*", [2, 3, 4]],
  ["layers.1.*proj", [2, 3, 4]],
  [String.raw`.*\.1\..*`, [2, 3, 5]],
  [String.raw`layers\.\d+\.mlp\.(up|down)_proj`, [4]],
  [String.raw`layers\.\d{1}\..*`, [1, 2, 3]],
  [String.raw`layers\.1?1\.self_attn\.[^q]_proj`, [3]],
  ["q_proj|c_fc", [1, 2, 5]],
  ["(?:q|v)_proj", [1, 2, 3]],
  ["(?!lm)[a-z]+_head", []],
  [String.raw`(.*\.)?lm_head`, [0]],
  ["proj", []],
  [".*proj$", [1, 2, 3, 4]],
  ["^model.*q_proj", [1, 2]],
  ["Q_PROJ", []],
];

for (const [pattern, expected] of FOUND) {
  Deno.test(`the pattern ${pattern} matches the modules that it does in PEFT`, () => {
    const matcher = moduleMatcher(pattern)!;
    const found = MODULES.flatMap((name, i) =>
      matcher.matches(name) ? [i] : []
    );
    deepStrictEqual(found, expected);
  });
}

Deno.test("expressions that only Python has, or that could take for ever, are not read", () => {
  const others = [
    "",
    "(a+)+",
    "(a|a)*b",
    "(.*){9}",
    "((a?){9}",
    "a?".repeat(9),
    ".*".repeat(5),
    "a{2,}".repeat(5),
    "x".repeat(201) + "*",
    "(?P<layer>x)",
    "(?i)x",
    String.raw`\Ax`,
    String.raw`x\Z`,
    "a++b",
    "(",
    "[",
  ];
  const read = others.filter((pattern) => pattern && moduleMatcher(pattern));
  deepStrictEqual(read, []);
});

Deno.test("the slowest expression that is read is quick on a long name", () => {
  const matcher = moduleMatcher(".*.*.*.*x?x?x?x?y")!;
  const start = performance.now();
  strictEqual(matcher.matches("layers.xxxx".repeat(6)), false);
  strictEqual(matcher.matches("layers.".repeat(1000)), false);
  strictEqual(performance.now() - start < 1000, true);
});
