import { deepStrictEqual } from "node:assert/strict";
import { readJson } from "lib/data/containers/json.ts";
import type { SourceRow } from "lib/data/containers/reading.ts";
import { Rng } from "lib/rng.ts";
import {
  assertRefused,
  dataFile,
  type Malformed,
  readLeniently,
} from "./data_file.ts";

const EXPECTED =
  "expected one JSON array of objects, or one JSON object a line";
const LINES = '{"a": 1}\n{"a": 2}\n';
const LONG = "x".repeat(100);

/** The rows of a text that arrives in pieces of a few bytes. */
async function readPieces(text: string, seed: number): Promise<SourceRow[]> {
  const rng = new Rng(seed);
  const bytes = new TextEncoder().encode(text);
  async function* pieces() {
    for (let at = 0; at < bytes.length;) {
      const size = Math.floor(rng.uniform() * 7);
      yield await Promise.resolve(bytes.slice(at, at + size));
      at += size;
    }
  }
  return await Array.fromAsync(readJson(pieces(), {
    path: "p",
    maxRowBytes: 1000,
    maxBombBytes: 1000,
    refuse(error) {
      throw error;
    },
  }));
}

Deno.test("readJson() takes the numbers that Python writes beyond JSON for none", async () => {
  const written = String.raw`{"a": NaN, "b": [-Infinity, Infinity, 1], ` +
    String.raw`"c": "NaN \"Infinity", "NaN": "\\"}`;
  const fields = {
    a: null,
    b: [null, null, 1],
    c: 'NaN "Infinity',
    NaN: "\\",
  };
  const number = { line: written, row: `[${written}]` };
  for (const [what, text] of Object.entries(number)) {
    const [row] = await readPieces(text, 1);
    deepStrictEqual(row, { location: `p, ${what} 1`, fields });
  }
});

const VALUES = [
  { text: 'quotes " \\" and \\ and \\\\', n: [1, [2, "]"], { b: "}" }] },
  {},
  { "naïve 🙂": "{[,\n\u0000", deep: { list: [[], {}], more: null } },
  { text: "ends in a backslash \\" },
];

Deno.test("readJson() finds rows wherever the stream is cut", async () => {
  const texts = {
    line: "\n" + VALUES.map((value) => JSON.stringify(value)).join("\r\n"),
    row: " \n" + JSON.stringify(VALUES, null, 1) + "\n ",
  };
  for (const [what, text] of Object.entries(texts)) {
    const first = what === "line" ? 2 : 1;
    const expected = VALUES.map((fields, i) => (
      { location: `p, ${what} ${i + first}`, fields }
    ));
    for (let seed = 0; seed < 50; seed++) {
      deepStrictEqual(await readPieces(text, seed), expected);
    }
  }
});

const MALFORMED: Record<string, Malformed> = {
  "broken JSON on line 1,234": {
    content: '{"a": 1}\n'.repeat(1233) + '{"a": 1\n{"a": 1}\n',
    error: "Cannot read FILE, line 1234: Expected ',' or '}' after property " +
      `value in JSON at position 7; ${EXPECTED}`,
  },
  "broken JSON in row 1,234 of an array": {
    content: `[${'{"a": 1},'.repeat(1233)}{"a": 01}, {"a": 1}]`,
    error: "Cannot read FILE, row 1234: Unexpected number in JSON at " +
      `position 7; ${EXPECTED}`,
  },
  "a line that is text": {
    content: LINES + '"text"',
    error: 'Cannot read FILE, line 3: expected an object, found "text"',
  },
  "a line that is null": {
    content: LINES + "null",
    error: "Cannot read FILE, line 3: expected an object, found null",
  },
  "an array of numbers": {
    content: "[1, 2]",
    error: "Cannot read FILE, row 1: expected an object, found 1",
  },
  "an array of lists": {
    content: `[{}, [1, "${LONG}"]]`,
    error: `Cannot read FILE, row 2: expected an object, found [1, "${
      "x".repeat(35)
    }`,
  },
  "lists in lists in lists": {
    content: `[${"[".repeat(1e5)}${"]".repeat(1e5)}]`,
    error: `Cannot read FILE, row 1: expected an object, found ${
      "[".repeat(40)
    }`,
  },
  "one object over many lines": {
    content: JSON.stringify({ data: [{ a: 1 }] }, null, 2),
    error: "Cannot read FILE, line 1: Expected property name or '}' in JSON " +
      `at position 1; ${EXPECTED}`,
  },
  "rows inside one object": {
    content: '{"version": 1, "data": [{"a": 1}]}',
    error: `Cannot read FILE, line 1: found rows inside "data"; ${EXPECTED}`,
  },
  "an array without its end": {
    content: '[{"a": 1}, {"a": 2}',
    error:
      'Cannot read FILE, row 2: expected the array to go on or to end with "]", found the end of the file',
  },
  "an array cut in a text": {
    content: '[{"a": 1}, {"a": "2',
    error:
      'Cannot read FILE, row 2: expected the array to go on or to end with "]", found the end of the file',
  },
  "an array that ends with a brace": {
    content: '[{"a": 1}}',
    error:
      'Cannot read FILE, row 1: expected the array to go on or to end with "]", found "}"',
  },
  "a comma too many": {
    content: '[{"a": 1}, ]',
    error: `Cannot read FILE, row 2: Unexpected end of JSON input; ${EXPECTED}`,
  },
  "a comma too few": {
    content: '[{"a": 1} {"a": 2}]',
    error:
      "Cannot read FILE, row 1: Unexpected non-whitespace character after " +
      `JSON at position 9; ${EXPECTED}`,
  },
  "an array a line": {
    content: '[{"a": 1}]\n[{"a": 2}]\n',
    error:
      "Cannot read FILE: expected one JSON array, found more after its end",
  },
  "bytes on a line that are not UTF-8": {
    content: Uint8Array.from([
      ...new TextEncoder().encode(LINES + '{"a": "'),
      0xe9,
      ...new TextEncoder().encode('"}\n'),
    ]),
    error: "Cannot read FILE, line 3: expected UTF-8, found other bytes",
  },
  "bytes in a row that are not UTF-8": {
    content: Uint8Array.from([
      ...new TextEncoder().encode('[{"a": 1}, {"a": "'),
      0xed,
      0xa0,
      0x80,
      ...new TextEncoder().encode('"}]'),
    ]),
    error: "Cannot read FILE, row 2: expected UTF-8, found other bytes",
  },
  "UTF-16": {
    content: Uint8Array.from([
      0xff,
      0xfe,
      ...new Uint8Array(new Uint16Array([0x7b, 0x7d]).buffer),
    ]),
    error: "Cannot read FILE: expected UTF-8, found UTF-16",
  },
  "NUL bytes, and does not print them": {
    content: LINES + "\0\0\n",
    error:
      "Cannot read FILE, line 3: Unexpected token '\\u0000', \"\\u0000\\u0000\" " +
      `is not valid JSON; ${EXPECTED}`,
  },
  "a word that begins with NaN": {
    content: '{"a": NaNs}',
    error: 'Cannot read FILE, line 1: Unexpected token \'N\', "{"a": NaNs}" ' +
      `is not valid JSON; ${EXPECTED}`,
  },
  "single quotes": {
    content: "{'a': 1}\n",
    error: "Cannot read FILE, line 1: Expected property name or '}' in JSON " +
      `at position 1; ${EXPECTED}`,
  },
  "a line that is too long": {
    content: `${LINES}{"a": "${LONG}"}\n`,
    options: { maxRowBytes: 100 },
    error:
      "Cannot read FILE, line 3: expected at most 100 bytes a row, found more",
  },
  "a row that is too long": {
    content: `[{"a": 1}, {"a": "${LONG}`,
    options: { maxRowBytes: 100 },
    error:
      "Cannot read FILE, row 2: expected at most 100 bytes a row, found more",
  },
};

for (const [name, malformed] of Object.entries(MALFORMED)) {
  Deno.test(`readRows() refuses ${name}`, () => assertRefused(malformed));
}

Deno.test("bad lines and rows can be left out, each with its error", async () => {
  using lines = dataFile('{"a": 1}\n{"a"}\n[2]\n{"a": 3}\n');
  const found = await readLeniently(lines.path);
  deepStrictEqual(found, {
    rows: [{ a: 1 }, { a: 3 }],
    errors: [
      "Cannot read FILE, line 2: Expected ':' after property name in JSON at " +
      `position 4; ${EXPECTED}`,
      "Cannot read FILE, line 3: expected an object, found [2]",
    ],
  });
  using array = dataFile('[{"a": 1},{"a"},[2],{"a": 3}]');
  deepStrictEqual(await readLeniently(array.path), {
    rows: found.rows,
    errors: found.errors.map((error) => error.replace(", line", ", row")),
  });
});

Deno.test("an array that does not end cannot be left out", async () => {
  await assertRefused({
    ...MALFORMED["an array without its end"]!,
    options: { onBadRow() {} },
  });
});
