import { deepStrictEqual, rejects } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { readRows } from "lib/data/read_rows.ts";

const ROWS = [{ prompt: "naïve 🙂", n: 1 }, { prompt: "", n: 2 }];
const LINES = ROWS.map((row) => JSON.stringify(row)).join("\n");

/** Runs a check on a file with these bytes. */
async function withFile(
  content: string | Uint8Array,
  check: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".data" });
  try {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    await Deno.writeFile(path, bytes);
    await check(path);
  } finally {
    await Deno.remove(path);
  }
}

const FILES: [string, string | Uint8Array][] = [
  ["a JSON array", JSON.stringify(ROWS)],
  [
    "a JSON array over many lines",
    "\n " + JSON.stringify(ROWS, null, 2) + "\n",
  ],
  ["JSONL", LINES],
  ["JSONL with a byte order mark", "\ufeff" + LINES],
  ["JSONL with Windows line ends", LINES.replaceAll("\n", "\r\n") + "\r\n"],
  ["gzipped JSONL", gzipSync(LINES + "\n")],
  ["a gzipped JSON array", gzipSync(JSON.stringify(ROWS))],
  [
    "two gzip members, one after the other",
    Uint8Array.from([
      ...gzipSync(JSON.stringify(ROWS[0]) + "\n"),
      ...gzipSync(JSON.stringify(ROWS[1])),
    ]),
  ],
];

for (const [name, content] of FILES) {
  Deno.test(`readRows() reads ${name}`, () =>
    withFile(content, async (path) => {
      const rows = await readRows(path);
      deepStrictEqual(rows.map(({ fields }) => fields), ROWS);
    }));
}

Deno.test("readRows() counts lines, blank ones too, and rows of an array", async () => {
  await withFile("\n" + LINES.replace("\n", "\n\n"), async (path) => {
    const where = (await readRows(path)).map((row) => row.where);
    deepStrictEqual(where, [`${path}, line 2`, `${path}, line 4`]);
  });
  await withFile(JSON.stringify(ROWS), async (path) => {
    const where = (await readRows(path)).map((row) => row.where);
    deepStrictEqual(where, [`${path}, row 1`, `${path}, row 2`]);
  });
});

const EXPECTED =
  "expected one JSON array of objects, or one JSON object a line";
const BAD: [string, string | Uint8Array, (path: string) => string][] = [
  [
    "an empty file",
    "",
    (path) => `Cannot use ${path}: expected rows, found none`,
  ],
  [
    "an empty array",
    "[]",
    (path) => `Cannot use ${path}: expected rows, found none`,
  ],
  [
    "a line that is not JSON",
    LINES + "\n{]",
    (path) =>
      `Cannot read ${path}, line 3: Expected property name or '}' in JSON ` +
      `at position 1 (line 1 column 2); ${EXPECTED}`,
  ],
  [
    "an array cut short",
    '[{"a": 1},',
    (path) => `Cannot read ${path}: Unexpected end of JSON input; ${EXPECTED}`,
  ],
  [
    "a line that is not an object",
    LINES + '\n"text"',
    (path) => `Cannot read ${path}, line 3: expected an object, found "text"`,
  ],
  [
    "a row that is not an object",
    "[{}, [1]]",
    (path) => `Cannot read ${path}, row 2: expected an object, found [1]`,
  ],
  [
    "bytes that are not UTF-8",
    Uint8Array.of(0x7b, 0xff),
    (path) =>
      `Cannot read ${path}: expected JSON or JSONL, found bytes that are not UTF-8`,
  ],
  [
    "a gzip file cut short",
    gzipSync(LINES).subarray(0, 30),
    (path) => `Cannot read ${path}: unexpected end of file`,
  ],
];

for (const [name, content, message] of BAD) {
  Deno.test(`readRows() refuses ${name}`, () =>
    withFile(content, async (path) => {
      await rejects(readRows(path), { message: message(path) });
    }));
}

Deno.test("readRows() names a file that is not there", async () => {
  await rejects(readRows("nowhere/pairs.jsonl"), {
    message: /^Cannot read nowhere\/pairs\.jsonl: No such file/,
  });
});
