import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { parseJson, readText } from "lib/files/read_json.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("parseJson() reads what JSON.parse() reads", () => {
  for (
    const text of [
      ' {"a" : [1, {"a": "}],{\\""}], "b\\\\": null, "": -0.5e3 } ',
      '["a:b", "\\\\", {"x": {"x": {}}}, {"x": 1}]',
      '"text"',
      `"\\"${"[".repeat(101)}"`,
      `${"[".repeat(100)}${"]".repeat(100)}`,
    ]
  ) deepStrictEqual(parseJson(text), JSON.parse(text));
});

Deno.test("a key that stands twice in one object is refused, however written", () => {
  throws(() => parseJson('{"a": {"b": 1, "b": 2}}'), /key "b" twice/);
  throws(() => parseJson('{"a": {}, "\\u0061" : 2}'), /key "\\u0061" twice/);
  throws(() => parseJson('{"__proto__": 1, "__proto__": 2}'), /twice/);
});

Deno.test("a key that names a prototype is a key like any other", () => {
  const value = parseJson('{"__proto__": {"polluted": true}}');
  strictEqual(Object.hasOwn(value as object, "__proto__"), true);
  strictEqual(Reflect.get({}, "polluted"), undefined);
});

Deno.test("JSON too deep or of too many values is refused before it is parsed", () => {
  const levels = (count: number) => "[".repeat(count) + "]".repeat(count);
  throws(() => parseJson(levels(101)), /nested deeper than 100 levels/);
  // Not closed: a parser would have made all of it before it saw that.
  throws(() => parseJson('{"a":'.repeat(1e6)), /nested deeper than 100 levels/);
  throws(() => parseJson(`[${"[],".repeat(1 << 22)}1]`), /more than 4194304/);
});

Deno.test("text that is no JSON is refused in the parser's words", () => {
  for (const text of ["", '{"a', '{"a":1}}', "[1,]", "NaN", '{"\\u": 1}']) {
    throws(() => parseJson(text), SyntaxError);
  }
});

Deno.test("readText() refuses a file that is too large or not UTF-8", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/config.json`;
  await Deno.writeFile(path, Uint8Array.of(0x22, 0xff, 0x22));
  await rejects(readText(path), /it is not text in UTF-8/);
  // A hole: it takes no place on disk.
  await Deno.truncate(path, (1 << 26) + 1);
  await rejects(readText(path), /it has 67108865 bytes, expected no more/);
});
