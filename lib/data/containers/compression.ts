import { createGunzip } from "node:zlib";
import { beginsWith, type Chunks, peek, through } from "./chunks.ts";
import { type Reading, unreadable } from "./reading.ts";
import { Unpacking } from "./unpacking.ts";
import { unpackZstd } from "./zstd.ts";
import { reasonOf } from "../../reason_of.ts";

interface Format {
  readonly name: string;
  /** What its files begin with. */
  readonly magic: readonly number[];
  readonly unpack: (packed: Chunks) => Chunks;
}

const FORMATS: readonly Format[] = [
  {
    name: "gzip",
    magic: [0x1f, 0x8b],
    // Not DecompressionStream: it refuses files of several gzip members.
    unpack: (packed) => through(packed, createGunzip()),
  },
  { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: unpackZstd },
];

/**
 * What gzip or zstd has packed, as shows in the first bytes, or else the
 * stream as it is. Both may consist of several parts, one after the other.
 *
 * @throws if the data are damaged, cut short or a bomb.
 */
export async function* decompress(chunks: Chunks, reading: Reading): Chunks {
  const { head, whole } = await peek(chunks, 4);
  const format = FORMATS.find(({ magic }) => beginsWith(head, magic));
  if (format === undefined) return yield* whole;
  try {
    yield* unpack(whole, { ...format, ...reading });
  } catch (cause) {
    const what = `cannot unpack ${format.name}: ${reasonOf(cause)}`;
    throw unreadable(reading.path, what, cause);
  }
}

async function* unpack(
  chunks: Chunks,
  { unpack, maxBombBytes }: Format & Reading,
): Chunks {
  const count = new Unpacking(maxBombBytes);
  for await (const chunk of unpack(counted(chunks, count))) {
    count.unpacked(chunk.length);
    yield chunk;
  }
}

async function* counted(chunks: Chunks, count: Unpacking): Chunks {
  for await (const chunk of chunks) {
    count.packed(chunk.length);
    yield chunk;
  }
}
