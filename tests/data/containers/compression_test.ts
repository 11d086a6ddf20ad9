import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { readRows } from "lib/data/containers/read_rows.ts";
import { Rng } from "lib/rng.ts";
import { assertRefused, dataFile, type Malformed } from "./data_file.ts";

const COUNT = 20_000;
/** Half a megabyte that packs to several blocks. */
const LINES = (() => {
  const rng = new Rng(1);
  const line = () => JSON.stringify({ a: rng.uniform(), b: rng.uniform() });
  return Array.from({ length: COUNT }, line).join("\n") + "\n";
})();
const HALF = LINES.indexOf("\n", LINES.length / 2) + 1;
const ROWS = LINES.trim().split("\n").map((line) => JSON.parse(line));

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function zstd(text: string, checksum: boolean): Uint8Array {
  return zstdCompressSync(text, {
    params: { [constants.ZSTD_c_checksumFlag]: Number(checksum) },
  });
}

/** What zstd lets programs put between frames for themselves. */
const SKIPPED = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9);

const FILES: Record<string, Uint8Array> = {
  "gzip": gzipSync(LINES),
  "two gzip members": concat(
    gzipSync(LINES.slice(0, HALF)),
    gzipSync(LINES.slice(HALF)),
  ),
  "zstd with a checksum": zstd(LINES, true),
  "zstd without a checksum": zstd(LINES, false),
  "two zstd frames": concat(
    zstd(LINES.slice(0, HALF), true),
    zstd(LINES.slice(HALF), false),
  ),
  "zstd frames with something for others between": concat(
    zstd(LINES.slice(0, HALF), false),
    SKIPPED,
    zstd(LINES.slice(HALF), true),
    SKIPPED,
  ),
};

for (const [what, content] of Object.entries(FILES)) {
  Deno.test(`readRows() reads ${what}`, async () => {
    using file = dataFile(content);
    const rows = await readRows(file.path);
    deepStrictEqual(rows.map(({ fields }) => fields), ROWS);
  });
}

const GZIP = gzipSync('{"a": 1}\n');
const ZSTD = zstd('{"a": 1}\n', true);
const MARK = new TextEncoder().encode("PK");

const MALFORMED: Record<string, Malformed> = {
  "gzip cut short": {
    content: GZIP.subarray(0, -3),
    error: "Cannot read FILE: cannot unpack gzip: unexpected end of file",
  },
  "gzip whose second member is cut short": {
    content: concat(GZIP, GZIP.subarray(0, 12)),
    error: "Cannot read FILE: cannot unpack gzip: unexpected end of file",
  },
  "gzip with something else behind it": {
    content: concat(GZIP, MARK),
    error: "Cannot read FILE: cannot unpack gzip: incorrect header check",
  },
  "gzip whose checksum is another's": {
    content: GZIP.with(GZIP.length - 8, GZIP.at(-8)! ^ 1),
    error: "Cannot read FILE: cannot unpack gzip: incorrect data check",
  },
  "zstd cut short": {
    content: ZSTD.subarray(0, -5),
    error: "Cannot read FILE: cannot unpack zstd: unexpected end of file",
  },
  "zstd whose second frame is cut short": {
    content: concat(ZSTD, ZSTD.subarray(0, 3)),
    error: "Cannot read FILE: cannot unpack zstd: unexpected end of file",
  },
  "zstd with something else behind it": {
    content: concat(ZSTD, new Uint8Array(8)),
    error:
      "Cannot read FILE: cannot unpack zstd: a frame is followed by something else",
  },
  "zstd whose checksum is another's": {
    content: ZSTD.with(ZSTD.length - 1, ZSTD.at(-1)! ^ 1),
    error:
      "Cannot read FILE: cannot unpack zstd: Zstd decompress error: Restored data doesn't match checksum",
  },
  "gzip inside gzip": {
    content: gzipSync(GZIP),
    error: "Cannot read FILE, line 1: expected UTF-8, found other bytes",
  },
};

for (const [what, malformed] of Object.entries(MALFORMED)) {
  Deno.test(`readRows() refuses ${what}`, () => assertRefused(malformed));
}

for (
  const [name, pack] of Object.entries({
    gzip: gzipSync,
    zstd: zstdCompressSync,
  })
) {
  const text = '{"a": 1}\n'.repeat(2 ** 17);
  const packed = Uint8Array.from(pack(text));

  Deno.test(`readRows() refuses a ${name} bomb`, async () => {
    using file = dataFile(packed);
    const message = new RegExp(
      `^Cannot read ${file.path}: cannot unpack ${name}: found \\d+ bytes packed in ${packed.length}, as in a decompression bomb; expected at most 200 times as many$`,
    );
    await rejects(readRows(file.path, { maxBombBytes: 2 ** 16 }), { message });
  });

  Deno.test(`readRows() takes what ${name} packs well but is small`, async () => {
    using file = dataFile(packed);
    const rows = await readRows(file.path, { maxBombBytes: text.length });
    strictEqual(rows.length, 2 ** 17);
  });
}
