import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { zstdCompressSync } from "node:zlib";
import { trimProvider } from "lib/bench/devices/trim_provider.ts";

interface Program {
  readonly architecture: number;
  readonly text: string;
  readonly isCompressed?: boolean;
}

/** A program behind its header of 64 bytes. */
function entryOf({ architecture, text, isCompressed = false }: Program) {
  const plain = Buffer.from(text);
  const payload = isCompressed ? zstdCompressSync(plain) : plain;
  const padded = Buffer.alloc(Math.ceil((payload.length + 1) / 8) * 8);
  payload.copy(padded);
  const header = Buffer.alloc(64);
  header.writeUInt16LE(2, 0);
  header.writeUInt32LE(header.length, 4);
  header.writeBigUInt64LE(BigInt(padded.length), 8);
  header.writeUInt32LE(isCompressed ? payload.length : 0, 16);
  header.writeUInt32LE(architecture, 28);
  return Buffer.concat([header, padded]);
}

function fatbinOf(programs: readonly Program[]): Buffer {
  const entries = Buffer.concat(programs.map(entryOf));
  const header = Buffer.from([0x50, 0xed, 0x55, 0xba, 1, 0, 16, 0]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(entries.length));
  return Buffer.concat([header, size, entries]);
}

const libraryOf = (...fatbins: Buffer[]) =>
  new Uint8Array(Buffer.concat([
    Buffer.from("code before"),
    ...fatbins,
    // The begin of a fat binary alone is none.
    Buffer.from([0x50, 0xed, 0x55, 0xba, 7, 7, 7, 7]),
    Buffer.from("code behind"),
  ]));

Deno.test("only programs of one architecture that graphs call are left", () => {
  const kept = { architecture: 90, text: "_Z12add_elements" };
  const packed = { architecture: 90, text: "gemm_rows", isCompressed: true };
  const library = libraryOf(
    fatbinOf([{ ...kept, architecture: 80 }, kept]),
    fatbinOf([packed, { ...packed, text: "MoeFCGemm of experts" }]),
    fatbinOf([{ architecture: 120, text: "gemm_rows" }]),
  );
  const { length } = library;
  strictEqual(trimProvider(library, 90), 2);
  strictEqual(library.length, length);
  const left = Buffer.from(library);
  const first = fatbinOf([kept]);
  const start = "code before".length;
  deepStrictEqual(left.subarray(start, start + first.length), first);
  strictEqual(left.includes("code behind"), true);
  const second = fatbinOf([packed]);
  strictEqual(left.includes(second), true);
  strictEqual(left.includes(fatbinOf([])), true);
  // What is trimmed stays so.
  strictEqual(trimProvider(library, 90), 2);
  deepStrictEqual(Buffer.from(library), left);
});

Deno.test("a library without a program for the card is refused", () => {
  const library = libraryOf(fatbinOf([{ architecture: 80, text: "gemm" }]));
  throws(() => trimProvider(library, 90), /found no program for sm_90/);
});
