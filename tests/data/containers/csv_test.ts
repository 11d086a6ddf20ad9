import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { readRows } from "lib/data/containers/read_rows.ts";
import {
  assertRefused,
  dataFile,
  type Malformed,
  readLeniently,
} from "./data_file.ts";

const ROWS = [
  { prompt: "Is it?", chosen: 'He said "yes",\nand left', rejected: "" },
  { prompt: '[{"role": "user"}]', chosen: "naïve 🙂", rejected: " no " },
];
const CSV = `prompt,chosen,rejected
Is it?,"He said ""yes"",
and left",
"[{""role"": ""user""}]",naïve 🙂, no 
`;

const TSV = `prompt\tchosen\trejected
Is it?\t"He said ""yes"",
and left"\t
"[{""role"": ""user""}]"\tnaïve 🙂\t no 
`;

const FILES: [string, string, string | Uint8Array][] = [
  ["CSV", "pairs.csv", CSV],
  ["CSV with blank lines at its end", "pairs.CSV", CSV + "\n\n"],
  ["CSV with a byte order mark", "pairs.csv", "\ufeff" + CSV],
  ["gzipped CSV", "pairs.csv.gz", gzipSync(CSV)],
  ["TSV", "pairs.tsv", TSV],
];

for (const [what, name, content] of FILES) {
  Deno.test(`readRows() reads ${what}`, async () => {
    using file = dataFile(content, name);
    deepStrictEqual(
      await readRows(file.path),
      ROWS.map((fields, i) => (
        { location: `${file.path}, row ${i + 1}`, fields, untyped: true }
      )),
    );
  });
}

Deno.test("readRows() takes either line end in CSV, and keeps those in cells", async () => {
  using file = dataFile('a,b\n1,2\r\n"3\r\n",4\n', "mixed.csv");
  const rows = (await readRows(file.path)).map(({ fields }) => fields);
  deepStrictEqual(rows, [{ a: "1", b: "2" }, { a: "3\r\n", b: "4" }]);
});

Deno.test("readRows() takes any header, as text", async () => {
  using file = dataFile(",__proto__\n0,1\n", "index.csv");
  const [row] = await readRows(file.path);
  deepStrictEqual(Object.entries(row!.fields), [["", "0"], ["__proto__", "1"]]);
});

const MALFORMED: Record<string, Malformed> = {
  "a row with too few cells": {
    content: "a,b\n1,2\n3\n",
    error:
      "Cannot read FILE, row 2: expected 2 cells, as the header has, found 1",
  },
  "a row with too many cells": {
    content: "a,b\n1,2\n3,4,5\n",
    error:
      "Cannot read FILE, row 2: expected 2 cells, as the header has, found 3",
  },
  "a quote that is never closed": {
    content: 'a,b\n1,2\n3,"4\n5,6\n',
    error: "Cannot read FILE, row 2: expected the quote that opens a cell to " +
      "be closed, found the end of the file",
  },
  "a quote inside a cell": {
    content: 'a,b\n1,2\n3,4"5"\n',
    error: "Cannot read FILE, row 2: found a quote inside a cell; expected " +
      "the cell in quotes and quotes inside it doubled",
  },
  "more in a cell after its quotes": {
    content: 'a,b\n1,2\n3,"4"5\n',
    error: "Cannot read FILE, row 2: expected the end of the cell after its " +
      "closing quote, or quotes inside it doubled",
  },
  "a header that names a column twice": {
    content: "prompt,chosen,prompt\n1,2,3\n",
    error: "Cannot read FILE, header: expected a name for each column, found " +
      '"prompt" twice',
  },
  "semicolons": {
    content: "prompt;chosen\n1;2\n",
    error: 'Cannot read FILE, header: found one column, "prompt;chosen": is ' +
      'the separator ";"? Expected ","',
  },
  "tabs": {
    content: "prompt\tchosen\n1\t2\n",
    error:
      'Cannot read FILE, header: found one column, "prompt\\tchosen": is ' +
      'the separator "\\t"? Expected ","',
  },
  "a header alone": {
    content: "prompt,chosen\n",
    error: "Cannot use FILE: expected rows, found none",
  },
  "nothing at all": {
    content: "",
    error: "Cannot use FILE: expected rows, found none",
  },
  "a cell that is not UTF-8": {
    content: Uint8Array.of(0x61, 0x0a, 0x62, 0x0a, 0xe9, 0x0a),
    error: "Cannot read FILE, row 2: expected UTF-8, found other bytes",
  },
  "a NUL byte": {
    content: "a,b\n1,2\n3,\0\n",
    error: "Cannot read FILE, row 2: expected text, found a NUL byte",
  },
  "a cell that is too long": {
    content: `a,b\n1,2\n3,${"4".repeat(200)}\n`,
    options: { maxRowBytes: 100 },
    error:
      "Cannot read FILE, row 2: expected at most 100 bytes a row, found more",
  },
};

for (const [what, malformed] of Object.entries(MALFORMED)) {
  Deno.test(`readRows() refuses CSV with ${what}`, () =>
    assertRefused({ name: "bad.csv", ...malformed }));
}

Deno.test("an error of CSV has no text of the parser", async () => {
  using file = dataFile('a,b\nThe 12" ruler,1\n', "quote.csv");
  const error = await readRows(file.path).catch((error) => error);
  strictEqual(error.cause, undefined);
});

Deno.test("rows with another number of cells can be left out", async () => {
  using file = dataFile("a,b\n1,2\n3\n4,5,6\n7,8\n", "ragged.csv");
  deepStrictEqual(await readLeniently(file.path), {
    rows: [{ a: "1", b: "2" }, { a: "7", b: "8" }],
    errors: [
      "Cannot read FILE, row 2: expected 2 cells, as the header has, found 1",
      "Cannot read FILE, row 3: expected 2 cells, as the header has, found 3",
    ],
  });
});

Deno.test("a quote out of place cannot be left out: the next row is a guess", async () => {
  await assertRefused({
    ...MALFORMED["more in a cell after its quotes"]!,
    name: "bad.csv",
    options: { onBadRow() {} },
  });
});
