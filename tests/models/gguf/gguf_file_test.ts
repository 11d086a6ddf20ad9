import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { convertGguf } from "lib/models/gguf/convert_gguf.ts";
import { isGgufFile, readGguf } from "lib/models/gguf/gguf_file.ts";
import { Rng } from "lib/rng.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { ggufFile } from "./fixture.ts";
import {
  type Bytes,
  entry,
  field,
  float32,
  numberField,
  type RawGguf,
  rawGguf,
  text,
  textField,
  uint32,
  uint64,
} from "./raw_gguf.ts";

/** Writes a file and reads it. */
async function read(bytes: Uint8Array) {
  using folder = temporaryFolder();
  const path = `${folder.path}/x.gguf`;
  await Deno.writeFile(path, bytes);
  return await readGguf(path);
}

const list = (type: number, count: number | bigint, values: Bytes) => [
  ...uint32(type),
  ...uint64(count),
  ...values,
];

Deno.test("fields and tensors are read as they are written", async () => {
  const { metadata, tensors } = await read(rawGguf({
    fields: [
      textField("text", "naïve \ufeff"),
      numberField("count", 7),
      field("wide", 10, uint64(2n ** 40n)),
      field("widest", 10, uint64(2n ** 63n)),
      field("small", 6, float32(1e-5)),
      field("flag", 7, [1]),
      field("texts", 9, list(8, 2, [...text("a"), ...text("")])),
      field("numbers", 9, list(5, 2, [...uint32(1), ...uint32(2 ** 32 - 1)])),
      numberField("general.alignment", 8),
    ],
    entries: [
      entry("a", { sizes: [3, 2] }),
      entry("b", { type: 8, sizes: [32], offset: 24 }),
    ],
    data: 100,
  }));
  deepStrictEqual(Object.fromEntries(metadata.values), {
    text: "naïve \ufeff",
    count: 7,
    wide: 2 ** 40,
    widest: 2n ** 63n,
    small: 1e-5,
    flag: true,
    texts: ["a", ""],
    numbers: Int32Array.of(1, -1),
    "general.alignment": 8,
  });
  const [a, b] = [...tensors.values()];
  deepStrictEqual(a!.shape, [2, 3]);
  strictEqual(b!.format.name, "Q8_0");
  strictEqual(b!.begin - a!.begin, 24);
});

Deno.test("a text across the reader's chunks is whole", async () => {
  const long = "x".repeat((1 << 20) - 30);
  const texts = [long, "straddles", "last"];
  const { metadata } = await read(rawGguf({
    fields: [field("texts", 9, list(8, texts.length, texts.flatMap(text)))],
  }));
  deepStrictEqual(metadata.texts("texts"), texts);
});

const BEGIN = [...new TextEncoder().encode("GGUF")];

/** The fault → the file, and the error after the path. */
const HOSTILE: Readonly<Record<string, [file: RawGguf, says: RegExp]>> = {
  "another magic number": [
    { start: [...uint32(0), ...uint32(3)] },
    /it is no GGUF file: it does not begin with GGUF$/,
  ],
  "version 1": [
    { start: [...BEGIN, ...uint32(1)] },
    /GGUF version 1, expected version 2 or 3 in little-endian order$/,
  ],
  "big-endian order": [
    { start: [...BEGIN, 0, 0, 0, 3] },
    /GGUF in big-endian order, expected/,
  ],
  "too many tensors": [
    { entryCount: 2 ** 50 },
    /its number of tensors: it needs \d+ bytes at byte 16/,
  ],
  "too many fields": [
    { fieldCount: 2n ** 64n - 1n },
    /its number of fields: the size 18446744073709551615 is past what/,
  ],
  "a name of 2⁶³ bytes": [
    { fields: [uint64(2n ** 63n)], fieldCount: 1, data: 100 },
    /name of field 0: the size 9223372036854775808 is past what any file holds/,
  ],
  "a text past the end": [
    { fields: [field("a.b", 8, uint64(1000))] },
    /field "a\.b": it needs 1000 bytes at byte 47, expected no more than the 0/,
  ],
  "a list past the end": [
    { fields: [field("a", 9, list(4, 2 ** 40, []))], data: 100 },
    /field "a": it needs 4398046511104 bytes/,
  ],
  "a list of lists": [
    { fields: [field("a", 9, list(9, 1, list(4, 1, [])))] },
    /field "a": it is a list of lists$/,
  ],
  "a field of no type": [
    { fields: [field("a", 13, uint64(0))] },
    /field "a": its type is number 13, which is none of GGUF's$/,
  ],
  "a list of no type": [
    { fields: [field("a", 9, list(99, 0, []))] },
    /field "a": its type is number 99/,
  ],
  "a field twice": [
    { fields: [numberField("a", 1), numberField("a", 2)] },
    /field "a": it is there twice$/,
  ],
  "fewer fields than announced": [
    { fields: [textField("a", "long enough")], fieldCount: 2 },
    /name of field 1: it needs 8 bytes/,
  ],
  "a long name of a tensor": [
    { entries: [entry("n".repeat(128))], data: 100 },
    /tensor "n{99}…: its name has 128 characters$/,
  ],
  "no dimension": [
    { entries: [entry("a", { sizes: [] })], data: 100 },
    /tensor "a": it has 0 dimensions, expected 1 to 4$/,
  ],
  "too many dimensions": [
    { entries: [entry("a", { sizes: Array(2 ** 10).fill(1) })] },
    /tensor "a": it has 1024 dimensions/,
  ],
  "an empty dimension": [
    { entries: [entry("a", { sizes: [4, 0] })] },
    /tensor "a": it has shape \[0,4\], expected sizes above 0/,
  ],
  "sizes of which the product overflows": [
    { entries: [entry("a", { sizes: Array(4).fill(2 ** 31) })] },
    /tensor "a": it has shape \[2147483648,.*, expected sizes above 0 that a file/,
  ],
  "a negative size": [
    { entries: [entry("a", { sizes: [2n ** 64n - 4n] })] },
    /tensor "a": the size 18446744073709551612 is past/,
  ],
  "a type that is not read": [
    { entries: [entry("a", { type: 16, sizes: [256] })] },
    /tensor "a": its type is IQ2_XXS, expected one of F32, F16, Q4_0/,
  ],
  "a type that is none": [
    { entries: [entry("a", { type: 2 ** 31 })] },
    /tensor "a": its type is number 2147483648, expected/,
  ],
  "rows that are no whole blocks": [
    { entries: [entry("a", { type: 12, sizes: [128, 2] })] },
    /tensor "a": it has rows of 128 elements, expected a multiple of 256 for Q4_K/,
  ],
  "a tensor twice": [
    { entries: [entry("a"), entry("a", { offset: 32 })], data: 100 },
    /tensor "a": it is there twice$/,
  ],
  "tensors over one another": [
    { entries: [entry("a"), entry("b", { offset: 0 })], data: 100 },
    /tensor "b": it begins at byte 0 of the tensors, expected 32/,
  ],
  "a tensor off its place": [
    { entries: [entry("a"), entry("b", { offset: 16 })], data: 100 },
    /tensor "b": it begins at byte 16 of the tensors, expected 32/,
  ],
  "a tensor past the end": [
    { entries: [entry("a", { sizes: [26] })], data: 100 },
    /tensor "a": it ends at byte 168, expected no more than the 164 of the file/,
  ],
  "an offset past every file": [
    { entries: [entry("a", { offset: 2n ** 64n - 32n })], data: 100 },
    /tensor "a": the size 18446744073709551584 is past/,
  ],
  "an alignment that is none": [
    { fields: [numberField("general.alignment", 0)] },
    /field "general.alignment" is 0, expected a power of 2$/,
  ],
  "a text as alignment": [
    { fields: [textField("general.alignment", "32")] },
    /field "general.alignment" is 32, expected a power of 2$/,
  ],
};

for (const [what, [file, says]] of Object.entries(HOSTILE)) {
  Deno.test(`a GGUF file with ${what} is refused`, async () => {
    await rejects(read(rawGguf(file)), (error: Error) => {
      match(error.message, /^Cannot read .*x\.gguf: /);
      match(error.message, says);
      return true;
    });
  });
}

Deno.test("a header may be no longer than a limit, however long the file", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/x.gguf`;
  await Deno.writeFile(path, rawGguf({ fieldCount: 6e6 }));
  // A hole: it takes no place on disk.
  await Deno.truncate(path, 1e8);
  await rejects(
    readGguf(path),
    /its number of fields: it needs 78000000 bytes .* that a header may have$/,
  );
});

Deno.test("a long name is cut in errors", async () => {
  const name = "n".repeat(10_000);
  await rejects(
    read(rawGguf({ fields: [numberField(name, 1), numberField(name, 1)] })),
    /field "n{99}…: it is there twice$/,
  );
});

Deno.test("a file that ends anywhere in its header is refused", async () => {
  const whole = await Deno.readFile(ggufFile("sentence_piece"));
  const { size } = await Deno.stat(ggufFile("sentence_piece"));
  for (let length = 0; length < size - 32; length += 97) {
    await rejects(read(whole.subarray(0, length)), /Cannot read .*x\.gguf: /);
  }
});

Deno.test("500 damaged headers are read or refused, none crashes", async () => {
  const rng = new Rng("damaged headers");
  const whole = await Deno.readFile(ggufFile("llama"));
  const { tensors } = await readGguf(ggufFile("llama"));
  const header = Math.min(...tensors.values().map(({ begin }) => begin));
  using folder = temporaryFolder();
  const path = `${folder.path}/x.gguf`;
  let refused = 0;
  for (let i = 0; i < 500; i++) {
    await Deno.writeFile(path, damaged(whole, { header, rng }));
    try {
      convertGguf(await readGguf(path));
    } catch (error) {
      ok(error instanceof Error);
      match(error.message, /^Cannot read .*x\.gguf: /);
      refused++;
    }
  }
  ok(refused > 300 && refused < 500, `${refused} were refused`);
});

function damaged(
  whole: Uint8Array,
  { header, rng }: { header: number; rng: Rng },
): Uint8Array {
  const bytes = whole.slice();
  for (let left = 1 + rng.integer(4); left > 0; left--) {
    const likely = [0, 1, 9, 0x7f, 0xff, rng.integer(256)];
    bytes[rng.integer(header)] = likely[rng.integer(likely.length)]!;
  }
  return bytes;
}

Deno.test("GGUF files are told by their names, folders are none", async () => {
  strictEqual(await isGgufFile(ggufFile("llama")), true);
  strictEqual(
    await isGgufFile(ggufFile("families").replace(".gguf", ".json")),
    false,
  );
  strictEqual(await isGgufFile("org/name.gguf"), false);
  using folder = temporaryFolder();
  await Deno.mkdir(`${folder.path}/x.gguf`);
  strictEqual(await isGgufFile(`${folder.path}/x.gguf`), false);
});
