import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { readHeader, readTensor } from "lib/models/weights/safetensors.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { withFolder } from "../tiny_model.ts";

/** A safetensors file of any header and any bytes, made without our writer. */
async function putRaw(
  path: string,
  { header, data }: { header: unknown; data: Uint8Array },
): Promise<void> {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  await Deno.writeFile(path, new Uint8Array([...length, ...text, ...data]));
}

/** The value of a 16-bit float with so many exponent bits. */
function meaning(bits: number, exponentBits: number): number {
  const mantissaBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (bits % 2 ** mantissaBits) / 2 ** mantissaBits;
  if (exponent === 2 ** exponentBits - 1) {
    return fraction ? NaN : sign * Infinity;
  }
  return exponent === 0
    ? sign * fraction * 2 ** (1 - bias)
    : sign * (1 + fraction) * 2 ** (exponent - bias);
}

for (const [dtype, exponentBits] of [["F16", 5], ["BF16", 8]] as const) {
  Deno.test(`every ${dtype} value is converted exactly`, () =>
    withFolder(async (folder) => {
      const every = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
      const header = {
        every: { dtype, shape: [65536], "data_offsets": [0, 131072] },
      };
      await putRaw(`${folder}/x`, {
        header,
        data: new Uint8Array(every.buffer),
      });
      const read = await readTensor(await readHeader(`${folder}/x`), "every");
      every.forEach((bits) =>
        strictEqual(read[bits], meaning(bits, exponentBits))
      );
    }));
}

Deno.test("F64 is rounded to the nearest float32", () =>
  withFolder(async (folder) => {
    const data = Float64Array.of(0.1, 1e-45, 1e300);
    const header = { x: { dtype: "F64", shape: [3], "data_offsets": [0, 24] } };
    await putRaw(`${folder}/x`, { header, data: new Uint8Array(data.buffer) });
    deepStrictEqual(
      await readTensor(await readHeader(`${folder}/x`), "x"),
      Float32Array.of(0.1, 1e-45, Infinity),
    );
  }));

Deno.test("an empty tensor may stand anywhere in the header", () =>
  withFolder(async (folder) => {
    const header = {
      w: { dtype: "F32", shape: [1], "data_offsets": [0, 4] },
      empty: { dtype: "F32", shape: [0], "data_offsets": [0, 0] },
    };
    await putRaw(`${folder}/x`, { header, data: new Uint8Array(4) });
    const { tensors } = await readHeader(`${folder}/x`);
    deepStrictEqual([...tensors.keys()], ["empty", "w"]);
  }));

Deno.test("a truncated file is refused with expected and found size", () =>
  withFolder(async (folder) => {
    const path = `${folder}/x`;
    await writeSafetensors(path, [
      { name: "w", shape: [4], data: new Float32Array(4) },
    ]);
    const { size } = await Deno.stat(path);
    await Deno.truncate(path, size - 1);
    await rejects(
      readHeader(path),
      new RegExp(
        `${path}: truncated: expected ${size} bytes, found ${size - 1}`,
      ),
    );
    await Deno.truncate(path, 20);
    await rejects(readHeader(path), /truncated in its header: .* found 20/);
    await Deno.truncate(path, 3);
    await rejects(readHeader(path), /3 bytes are too few/);
  }));

const four = (changes: Record<string, unknown>) => ({
  w: { dtype: "F32", shape: [1], "data_offsets": [0, 4], ...changes },
});

for (
  const [what, header, message] of [
    ["no JSON", "{", /not valid JSON/],
    ["no object", "[]", /not a JSON object/],
    ["an unknown type", four({ dtype: "F5" }), /tensor "w" has type "F5"/],
    ["a negative size", four({ shape: [-1] }), /tensor "w" has shape \[-1\]/],
    ["no offsets", four({ "data_offsets": [] }), /data_offsets \[\]/],
    ["a wrong size", four({ shape: [2] }), /4 bytes, expected 8 for F32 \[2\]/],
    ["a gap", four({ "data_offsets": [4, 8] }), /begins at byte \d+, expected/],
    [
      "an overlap",
      { ...four({}), v: four({}).w },
      /tensor "v" begins at byte \d+, expected \d+/,
    ],
    ["bytes left over", {}, /bytes after its last tensor: expected 10/],
    [
      "a name twice",
      '{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "w": 1}',
      /key "w" twice/,
    ],
    ["deep brackets", "[".repeat(1000), /nested deeper/],
    ["a fraction of a size", four({ shape: [0.5] }), /"w" has shape \[0.5\]/],
    ["a list of lists", four({ shape: [[1]] }), /"w" has shape \[\[1\]\]/],
    [
      "an offset past the file",
      four({ shape: [2], "data_offsets": [0, 8] }),
      /truncated: expected \d+ bytes/,
    ],
    [
      "offsets in the wrong order",
      four({ "data_offsets": [4, 0] }),
      /"w" has -4 bytes/,
    ],
    [
      "an offset beyond what a number can tell",
      four({ "data_offsets": [0, 2 ** 53] }),
      /data_offsets \[0,9007199254740992\]/,
    ],
    [
      "sizes whose product nothing can hold",
      four({ shape: [2 ** 40, 2 ** 40, 0], "data_offsets": [0, 0] }),
      /"w" has 0 bytes, expected Infinity/,
    ],
    ["an array for an entry", { w: [] }, /"w" has type absent/],
    ["a name of a prototype", { ["__proto__"]: 1 }, /"__proto__" has type/],
    ["odd metadata", { "__metadata__": { a: 1 } }, /__metadata__/],
  ] as const
) {
  Deno.test(`a header with ${what} is refused`, () =>
    withFolder(async (folder) => {
      await putRaw(`${folder}/x`, { header, data: new Uint8Array(4) });
      await rejects(readHeader(`${folder}/x`), message);
    }));
}

Deno.test("a file that is no safetensors file is refused", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/x`, "version https://git-lfs.github");
    await rejects(readHeader(`${folder}/x`), /x: it is no safetensors file/);
    for (const path of [`${folder}/y`, `${folder}/no/y`]) {
      await rejects(readHeader(path), /Cannot read .*y: No such file/);
    }
  }));

Deno.test("a header that is too long or not UTF-8 is refused", () =>
  withFolder(async (folder) => {
    const path = `${folder}/x`;
    const length = (bytes: bigint) =>
      new Uint8Array(BigUint64Array.of(bytes).buffer);
    await Deno.writeFile(path, length(100_000_001n));
    await Deno.truncate(path, 200_000_000); // a hole
    await rejects(readHeader(path), /header would be 100000001 bytes long/);
    await Deno.writeFile(path, length(2n ** 64n - 1n));
    await rejects(readHeader(path), /it is no safetensors file/);
    await Deno.writeFile(path, Uint8Array.of(...length(1n), 0xff));
    await rejects(readHeader(path), /its header cannot be used: .* UTF-8/);
  }));

Deno.test("a pickle beside a missing file is named", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/adapter_model.bin`, "");
    await rejects(
      readHeader(`${folder}/adapter_model.safetensors`),
      /adapter_model.safetensors: No such file.*; adapter_model.bin is a pickle/,
    );
  }));

Deno.test("a tensor that is absent or of whole numbers is refused", () =>
  withFolder(async (folder) => {
    const header = { n: { dtype: "I32", shape: [1], "data_offsets": [0, 4] } };
    await putRaw(`${folder}/x`, { header, data: new Uint8Array(4) });
    const file = await readHeader(`${folder}/x`);
    await rejects(readTensor(file, "n"), /"n" of .*x: its type is I32/);
    await rejects(readTensor(file, "m"), /x: no tensor "m"/);
  }));
