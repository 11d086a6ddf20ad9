import ROWS from "../../fixtures/containers/rows.json" with { type: "json" };
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { readRows } from "lib/data/containers/read_rows.ts";
import { fixture } from "../../places.ts";
import {
  assertRefused,
  dataFile,
  type Malformed,
  readLeniently,
} from "./data_file.ts";

const pathOf = (name: string) => fixture(`containers/${name}.parquet`);
const SNAPPY = await Deno.readFile(pathOf("rows_snappy"));

for (const codec of ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]) {
  Deno.test(`readRows() reads parquet packed by ${codec}, row group by row group`, async () => {
    const path = pathOf(`rows_${codec}`);
    deepStrictEqual(
      await readRows(path),
      ROWS.map((fields, i) => ({
        location: `${path}, row ${i + 1}`,
        fields,
        arrow: true,
      })),
    );
  });
}

Deno.test("readRows() goes by what a file holds, not by its name", async () => {
  using file = dataFile(SNAPPY, "rows.json");
  strictEqual((await readRows(file.path)).length, ROWS.length);
});

Deno.test("readRows() makes plain values of parquet's types, none of them rounded", async () => {
  const [first, second] = await readRows(pathOf("types"));
  deepStrictEqual(first!.fields, {
    safe: 2 ** 53 - 1,
    unsafe: "9007199254740992",
    small: 1,
    unsigned: 2 ** 32 - 1,
    single: 0.5,
    day: "2024-02-29T00:00:00.000Z",
    time: "2024-02-29T12:30:00.000Z",
    decimal: 1.25,
    bytes: Uint8Array.of(0xff, 0),
    lists: [[1], [2, 3]],
    map: { a: 1 },
    choice: "x",
    json: '{"a": 1}',
  });
  const { safe, unsafe, small, lists, map } = second!.fields;
  deepStrictEqual({ safe, unsafe, small, lists, map }, {
    safe: -(2 ** 53) + 1,
    unsafe: "-4611686018427387904",
    small: null,
    lists: [[], null],
    map: {},
  });
});

Deno.test("rows with text that is not UTF-8 are refused, or left out, by row and field", async () => {
  const path = pathOf("not_utf8");
  const [first, second] = [
    'Cannot read FILE, row 2: expected "chosen" to be UTF-8, found other bytes',
    'Cannot read FILE, row 3: expected "turns" to be UTF-8, found other bytes',
  ];
  await rejects(readRows(path), { message: first!.replace("FILE", path) });
  deepStrictEqual(await readLeniently(path), {
    rows: [
      { chosen: "a", turns: [{ content: "a" }] },
      { chosen: "d", turns: [{ content: "d" }] },
    ],
    errors: [first, second],
  });
});

/** The file with some bytes instead of others of the same number. */
function replaced(before: string, after: string): Uint8Array {
  const text = new TextDecoder("latin1").decode(SNAPPY);
  const at = text.lastIndexOf(before);
  const changed = SNAPPY.slice();
  changed.set(new TextEncoder().encode(after), at);
  return changed;
}

const WHOLE = "; expected a whole parquet file";
const MALFORMED: Record<string, Malformed> = {
  "its first bytes alone": {
    content: "PAR1",
    error:
      `Cannot read FILE: Offset is outside the bounds of the DataView${WHOLE}`,
  },
  "its end missing": {
    content: SNAPPY.subarray(0, -9),
    error: `Cannot read FILE: parquet file invalid (footer != PAR1)${WHOLE}`,
  },
  "its beginning missing": {
    content: new Uint8Array([
      ...SNAPPY.subarray(0, 4),
      ...SNAPPY.subarray(400),
    ]),
    error: `Cannot read FILE: parquet unsupported page type: undefined${WHOLE}`,
  },
  "a column that the schema does not have": {
    content: replaced("score_chosen", "score_chosem"),
    error:
      `Cannot read FILE: a row group has other columns than the schema${WHOLE}`,
  },
  "two columns of the same name": {
    content: Deno.readFileSync(pathOf("twice")),
    error:
      `Cannot read FILE: two columns have the same name, of chosen; chosen${WHOLE}`,
  },
  "a bomb": {
    content: Deno.readFileSync(pathOf("bomb")),
    options: { maxBombBytes: 2 ** 16 },
    error:
      "Cannot read FILE: found 1048586 bytes packed in 64, as in a decompression bomb; " +
      `expected at most 200 times as many${WHOLE}`,
  },
};

for (const [what, malformed] of Object.entries(MALFORMED)) {
  Deno.test(`readRows() refuses parquet with ${what}`, () =>
    assertRefused(malformed));
}

Deno.test("readRows() takes what parquet packs well but is small", async () => {
  const [row] = await readRows(pathOf("bomb"));
  deepStrictEqual(row!.fields, { prompt: "a".repeat(2 ** 20) });
});
