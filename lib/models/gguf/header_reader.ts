/** Many times what the largest vocabularies need. */
const MAX_HEADER_BYTES = 1 << 26;
/** Bytes read at a time. */
const CHUNK_BYTES = 1 << 20;

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads the little-endian numbers and texts of a file's header one after
 * another, never past the end of the file or a limit, whatever lengths and
 * counts the header claims.
 */
export class HeaderReader {
  /** The part that is being read, for errors. */
  location = "its first bytes";
  /** The next byte to be read, counted from the start of the file. */
  at = 0;
  readonly #file: Deno.FsFile;
  readonly #end: number;
  /** Bytes of the file before and after `at`. */
  #chunk = new Uint8Array(0);
  #chunkBegin = 0;

  constructor(file: Deno.FsFile, size: number) {
    this.#file = file;
    this.#end = Math.min(size, MAX_HEADER_BYTES);
  }

  uint32(): number {
    return this.view(4).getUint32(0, true);
  }

  /** Reads a length, count or size, which must be exact. */
  size(): number {
    const size = this.view(8).getBigUint64(0, true);
    if (size <= Number.MAX_SAFE_INTEGER) return Number(size);
    throw this.error(`the size ${size} is past what any file holds`);
  }

  /** Reads a count of things that take at least so many bytes each. */
  count(leastBytes: number): number {
    const count = this.size();
    this.#check(count, leastBytes);
    return count;
  }

  /** Reads a text behind its length; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return TEXT.decode(this.bytes(this.count(1)));
  }

  view(length: number): DataView {
    const { buffer, byteOffset } = this.bytes(length);
    return new DataView(buffer, byteOffset, length);
  }

  /** Reads the next bytes, which are valid until others are read. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    this.#check(length, 1);
    let begin = this.at - this.#chunkBegin;
    if (begin + length > this.#chunk.length) {
      this.#read(Math.max(length, CHUNK_BYTES));
      begin = 0;
    }
    this.at += length;
    return this.#chunk.subarray(begin, begin + length);
  }

  /** An error on the part that is being read. */
  error(reason: string): Error {
    return new Error(`${this.location}: ${reason}`);
  }

  #check(count: number, leastBytes: number): void {
    const left = this.#end - this.at;
    if (count * leastBytes <= left) return;
    throw this.error(
      `it needs ${count * leastBytes} bytes at byte ${this.at}, expected ` +
        `no more than the ${left} that are left of the file, or of the ` +
        `${MAX_HEADER_BYTES} that a header may have`,
    );
  }

  #read(length: number): void {
    const most = Math.min(length, this.#end - this.at);
    this.#chunk = readBytes(this.#file, most, { at: this.at });
    this.#chunkBegin = this.at;
  }
}

/**
 * Reads so many bytes of an open file, from byte `at` on.
 *
 * @throws Error if the file ends before.
 */
export function readBytes(
  file: Deno.FsFile,
  length: number,
  { at }: { at: number },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  file.seekSync(at, Deno.SeekMode.Start);
  for (let read = 0; read < length;) {
    const count = file.readSync(bytes.subarray(read));
    if (count === null) throw new Error("the file became shorter");
    read += count;
  }
  return bytes;
}
