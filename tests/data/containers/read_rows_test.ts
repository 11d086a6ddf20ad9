import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { readRows, streamRows } from "lib/data/containers/read_rows.ts";
import { dataFile } from "./data_file.ts";

const ROWS = [{ prompt: "naïve 🙂", n: 1 }, { prompt: "", n: 2 }];
const LINES = ROWS.map((row) => JSON.stringify(row)).join("\n");

/** Runs a check on a file with these bytes. */
async function withFile(
  content: string | Uint8Array,
  check: (path: string) => Promise<void>,
  suffix = ".data",
): Promise<void> {
  using file = dataFile(content, `file${suffix}`);
  await check(file.path);
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
    const location = (await readRows(path)).map((row) => row.location);
    deepStrictEqual(location, [`${path}, line 2`, `${path}, line 4`]);
  });
  await withFile(JSON.stringify(ROWS), async (path) => {
    const location = (await readRows(path)).map((row) => row.location);
    deepStrictEqual(location, [`${path}, row 1`, `${path}, row 2`]);
  });
});

Deno.test("readRows() refuses files without rows", async () => {
  for (const content of ["", "\n\n", "[]", " [ ]\n", gzipSync("")]) {
    await withFile(content, (path) =>
      rejects(readRows(path), {
        message: `Cannot use ${path}: expected rows, found none`,
      }));
  }
  await withFile("{]\n[1]\n", async (path) => {
    await rejects(readRows(path, { onBadRow() {} }), {
      message:
        `Cannot use ${path}: expected rows, found only 2 that cannot be read`,
    });
  });
});

Deno.test("readRows() names a file that is not there, or is a folder", async () => {
  await rejects(readRows("nowhere/pairs.jsonl"), {
    message: /^Cannot read nowhere\/pairs\.jsonl: No such file/,
  });
  await rejects(readRows("tests"), {
    message: /^Cannot read tests: Is a directory/,
  });
});

Deno.test("streamRows() gives the rows before a bad one", async () => {
  await withFile(LINES + "\n{]\n", async (path) => {
    const rows: unknown[] = [];
    await rejects(async () => {
      for await (const { fields } of streamRows(path)) rows.push(fields);
    }, /line 3: /);
    deepStrictEqual(rows, ROWS);
  });
});

Deno.test("streamRows() can be left early, whatever the container", async () => {
  const csv = "n\n" + "1\n".repeat(1e5);
  const json = JSON.stringify(Array(1e5).fill({ n: "1" }));
  const packed = [json, gzipSync(json), zstdCompressSync(json)];
  for (const content of [csv, ...packed]) {
    await withFile(content, async (path) => {
      for await (const { fields } of streamRows(path)) {
        deepStrictEqual(fields, { n: "1" });
        break;
      }
    }, content === csv ? ".csv" : ".data");
  }
});

/** A file of 80,001 rows, written without having it in memory. */
async function writeLong(path: string, [before, between, after]: string[]) {
  const encoder = new TextEncoder();
  const row = JSON.stringify({ prompt: "naïve ".repeat(300), n: [1, 2, 3] });
  using file = await Deno.create(path);
  const block = encoder.encode((between! + row).repeat(1000));
  await file.write(encoder.encode(before! + row));
  for (let i = 0; i < 80; i++) await file.write(block);
  await file.write(encoder.encode(after!));
}

const LONG = {
  "JSON lines": ["", "\n", "\n"],
  "a JSON array": ["[", ", ", "]"],
};

for (const [what, separators] of Object.entries(LONG)) {
  Deno.test(`streamRows() reads 168 MB of ${what} in little memory`, () =>
    withFile("", async (path) => {
      await writeLong(path, separators);
      // A process of its own: the memory of this one tells of other tests.
      const script = fileURLToPath(
        import.meta.resolve("./streaming_memory.ts"),
      );
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", script, path],
        stderr: "inherit",
      }).output();
      const { rows, taken } = JSON.parse(new TextDecoder().decode(stdout));
      strictEqual(rows, 80_001);
      const { size } = await Deno.stat(path);
      ok(taken < size * 3 / 4, `${size} bytes took ${taken} of memory`);
    }));
}
