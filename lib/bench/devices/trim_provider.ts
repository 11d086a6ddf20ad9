import { Buffer } from "node:buffer";
import { zstdDecompressSync } from "node:zlib";

/**
 * Kernels of operators that no graph here has: experts, and attention whose
 * scores never leave the chip. They are nine tenths of the bytes.
 */
const UNUSED = /moe|MoE|Moe|flash_fwd|fpA_intB|fmha|fused_multihead/;

/** A fat binary's begin, and the offsets of its header's fields. */
const FATBIN = {
  ...{ magic: Buffer.of(0x50, 0xed, 0x55, 0xba), version: 4, headerBytes: 6 },
  size: 8,
} as const;

/** Offsets of the fields of the header of one program in a fat binary. */
const ENTRY = { headerBytes: 4, size: 8, compressed: 16, architecture: 28 };

/** Begin of bytes that zstd compressed. */
const ZSTD = 0xfd2fb528;

/**
 * Drops from a library all GPU programs except those of one architecture, and of
 * these the kernels that no graph here calls. The file keeps its size, with
 * zeros, which compress to nothing; a kernel that is dropped is an error of CUDA
 * where it is called. The layout is that of NVIDIA's `fatbinary_section.h` and of
 * what nvcc 13 writes.
 *
 * @param architecture ten times the compute capability, such as 90.
 * @returns programs that are left.
 * @throws Error for a library that has none.
 */
export function trimProvider(
  library: Uint8Array<ArrayBuffer>,
  architecture: number,
): number {
  const bytes = Buffer.from(library.buffer);
  let kept = 0;
  for (const start of fatbinsOf(bytes)) {
    kept += trimFatbin(
      bytes,
      start,
      (entry) =>
        entry.readUInt32LE(ENTRY.architecture) === architecture &&
        !UNUSED.test(programOf(entry)),
    );
  }
  if (kept > 0) return kept;
  throw new Error(
    `Cannot trim CUDA's provider: found no program for sm_${architecture}`,
  );
}

function* fatbinsOf(bytes: Buffer): Generator<number> {
  let start = bytes.indexOf(FATBIN.magic);
  while (start >= 0) {
    const isHeader = bytes.readUInt16LE(start + FATBIN.version) === 1 &&
      bytes.readUInt16LE(start + FATBIN.headerBytes) === 16;
    if (isHeader) yield start;
    start = bytes.indexOf(
      FATBIN.magic,
      isHeader ? endOf(bytes, start) : start + 4,
    );
  }
}

function endOf(bytes: Buffer, start: number): number {
  return start + 16 + Number(bytes.readBigUInt64LE(start + FATBIN.size));
}

/** Moves the programs that are kept to the front, and fills up with zeros. */
function trimFatbin(
  bytes: Buffer,
  start: number,
  isKept: (entry: Buffer) => boolean,
): number {
  const [first, end] = [start + 16, endOf(bytes, start)];
  let [kept, to] = [0, first];
  for (let from = first; from < end;) {
    const length = bytes.readUInt32LE(from + ENTRY.headerBytes) +
      Number(bytes.readBigUInt64LE(from + ENTRY.size));
    const entry = bytes.subarray(from, from + length);
    if (isKept(entry)) {
      bytes.copyWithin(to, from, from + length);
      to += length;
      kept++;
    }
    from += length;
  }
  bytes.fill(0, to, end);
  bytes.writeBigUInt64LE(BigInt(to - first), start + FATBIN.size);
  return kept;
}

/** The text in a program, with its kernels' names. */
function programOf(entry: Buffer): string {
  const header = entry.readUInt32LE(ENTRY.headerBytes);
  const program = entry.subarray(header);
  if (program.readUInt32LE(0) !== ZSTD) return program.toString("latin1");
  const length = entry.readUInt32LE(ENTRY.compressed) || program.length;
  return zstdDecompressSync(program.subarray(0, length)).toString("latin1");
}
