import { createGunzip, createZstdDecompress } from "node:zlib";
import {
  beginsWith,
  type Chunks,
  concat,
  peek,
  type Reading,
  through,
  unreadable,
} from "./reading.ts";
import { reasonOf } from "../../files/values.ts";

interface Format {
  readonly name: string;
  /** First bytes of its files. */
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
 * Unpacks gzip or zstd, which the first bytes tell; other streams stay as they
 * are. Both may consist of several parts, one after the other.
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

/**
 * Unpacks zstd frames, one after the other. The runtime's decompressor says
 * nothing where the data break off and reads the first frame only, so the ends
 * of frames are found here.
 *
 * Format: RFC 8878, section 3.1.
 *
 * @throws if a frame is damaged or cut short, or something else follows it.
 */
async function* unpackZstd(chunks: Chunks): Chunks {
  const bytes = new ByteReader(chunks);
  while (!await bytes.ended()) {
    const start = await bytes.take(4);
    const magic = littleEndian(start);
    if (magic === FRAME) {
      yield* through(frame(start, bytes), createZstdDecompress());
    } else if (magic >>> 4 === SKIPPABLE) {
      await bytes.take(littleEndian(await bytes.take(4)));
    } else {
      throw new Error("a frame is followed by something else");
    }
  }
}

const FRAME = 0xfd2fb528;
/** Without the last digit, which is free. */
const SKIPPABLE = 0x184d2a5;
const RUN_LENGTH = 1;

/** The bytes of one frame, as they are. */
async function* frame(magic: Uint8Array, bytes: ByteReader): Chunks {
  yield magic;
  const descriptor = await bytes.take(1);
  yield descriptor;
  const { headerSize, checksumSize } = readDescriptor(descriptor[0]!);
  yield await bytes.take(headerSize);
  let last = false;
  while (!last) {
    const header = await bytes.take(3);
    yield header;
    const bits = littleEndian(header);
    last = (bits & 1) === 1;
    yield await bytes.take((bits >> 1 & 3) === RUN_LENGTH ? 1 : bits >> 3);
  }
  yield await bytes.take(checksumSize);
}

/** Sizes of the rest of a frame's header and of its checksum. */
function readDescriptor(descriptor: number) {
  const isSingle = (descriptor >> 5 & 1) === 1;
  const window = isSingle ? 0 : 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const content = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  return {
    headerSize: window + dictionary + content,
    checksumSize: (descriptor >> 2 & 1) * 4,
  };
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0);
}

/** Takes so many bytes at a time from a stream. */
class ByteReader {
  #rest: Uint8Array = new Uint8Array();

  constructor(private readonly chunks: Chunks) {}

  async ended(): Promise<boolean> {
    return !await this.#fill(1);
  }

  async take(count: number): Promise<Uint8Array> {
    if (!await this.#fill(count)) throw new Error("unexpected end of file");
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  async #fill(count: number): Promise<boolean> {
    while (this.#rest.length < count) {
      const { value, done } = await this.chunks.next();
      if (done) return false;
      this.#rest = concat([this.#rest, value]);
    }
    return true;
  }
}

/** Text seldom packs to a twentieth; a bomb has a thousandth and less. */
const MOST_RATIO = 200;

/**
 * Counts the bytes that enter and leave a decompressor, so that a small file can
 * neither fill the memory nor hold a run up for hours.
 */
export class Unpacking {
  #packed = 0;
  #unpacked = 0;

  /** @param maxBombBytes bytes that may come out, however few went in. */
  constructor(private readonly maxBombBytes: number) {}

  /** Counts bytes that go in. */
  packed(bytes: number): void {
    this.#packed += bytes;
  }

  /**
   * Counts bytes that come out.
   *
   * @throws RangeError if they are too many for what went in.
   */
  unpacked(bytes: number): void {
    this.#unpacked += bytes;
    if (this.#unpacked <= this.maxBombBytes) return;
    if (this.#unpacked <= MOST_RATIO * this.#packed) return;
    throw new RangeError(
      `found ${this.#unpacked} bytes packed in ${this.#packed}, as in a ` +
        `decompression bomb; expected at most ${MOST_RATIO} times as many`,
    );
  }
}
