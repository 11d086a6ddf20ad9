import {
  concat,
  decode,
  goodRows,
  isBlank,
  type Reading,
  type SourceRow,
  tooLong,
  unreadable,
} from "./reading.ts";
import { isObject, reasonOf } from "../../files/values.ts";

const EXPECTED =
  "expected one JSON array of objects, or one JSON object a line";

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_LIST, CLOSE_LIST] = [0x5b, 0x5d];
const [OPEN_OBJECT, CLOSE_OBJECT] = [0x7b, 0x7d];

/**
 * The rows of one JSON array of objects, or of one JSON object a line (blank
 * lines are none): which of the two shows in the first byte that is not blank.
 */
export async function* readJson(
  chunks: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<SourceRow> {
  let first = true;
  const pieces = splitRows(chunks, reading);
  for await (const row of goodRows(pieces, parse, reading.refuse)) {
    if (first) refuseWrapper(row);
    first = false;
    yield row;
  }
}

async function* splitRows(
  chunks: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<RowPiece> {
  let splitter: Splitter = new LineSplitter(reading);
  let begun = false;
  for await (const chunk of chunks) {
    if (!begun) {
      const first = chunk.find((byte) => !isBlank(byte));
      if (first === OPEN_LIST) splitter = new ArraySplitter(reading);
      begun = first !== undefined;
    }
    yield* splitter.push(chunk);
  }
  yield* splitter.end();
}

function parse({ bytes, location }: RowPiece): SourceRow {
  const text = decode(bytes, location);
  const value = parseText(text, location);
  if (isObject(value)) return { location, fields: value };
  const found = text.trim().slice(0, 40);
  throw unreadable(location, `expected an object, found ${found}`);
}

function parseText(text: string, location: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Its line and column are those in the row, where the file's are wanted.
    const reason = reasonOf(error).replace(/ \(line \d+ column \d+\)/, "");
    throw unreadable(location, `${reason}; ${EXPECTED}`);
  }
}

/** Files that hold their rows in one object, as some tools write them. */
function refuseWrapper({ location, fields }: SourceRow) {
  for (const name of ["data", "rows", "train"]) {
    const value = fields[name];
    if (!Array.isArray(value) || !isObject(value[0])) continue;
    throw unreadable(location, `found rows inside "${name}"; ${EXPECTED}`);
  }
}

/** The bytes of one row, as chunks of a stream bring them. */
export class RowBytes {
  #parts: Uint8Array[] = [];
  #size = 0;

  /** @param most bytes that a row may have. */
  constructor(private readonly most: number) {}

  /**
   * Keeps more of the row that is at `where`.
   *
   * @throws if they are too many.
   */
  add(bytes: Uint8Array, location: string): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size > this.most) throw tooLong(location, this.most);
  }

  /** The whole row, which ends with these bytes; the next one begins. */
  finish(bytes: Uint8Array, location: string): Uint8Array {
    this.add(bytes, location);
    const parts = this.#parts;
    this.#parts = [];
    this.#size = 0;
    return parts.length === 1 ? parts[0]! : concat(parts);
  }
}

/**
 * The elements of one JSON array, numbered from 1: whatever stands between its
 * commas, still to be parsed. In UTF-8 none of the bytes that it looks for is
 * ever part of another character.
 */
export class ArraySplitter implements Splitter {
  readonly #path: string;
  readonly #row: RowBytes;
  #number = 1;
  /** How many lists and objects are open, the array itself included. */
  #depth = 0;
  #ended = false;
  #inText = false;
  #escaped = false;

  constructor({ path, maxRowBytes }: Reading) {
    this.#path = path;
    this.#row = new RowBytes(maxRowBytes);
  }

  *push(chunk: Uint8Array): Generator<RowPiece> {
    let start = this.#depth > 0 ? 0 : chunk.length;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (this.#inText) {
        i = this.#passText(chunk, i);
      } else if (this.#ended) {
        this.#expectBlank(byte);
      } else if (byte === QUOTE) {
        this.#inText = true;
      } else if (byte === COMMA && this.#depth === 1) {
        yield this.#finish(chunk.subarray(start, i));
        start = i + 1;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (++this.#depth === 1) start = i + 1;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (--this.#depth > 0) continue;
        yield* this.#finishLast(chunk.subarray(start, i), byte);
        start = chunk.length;
      }
    }
    this.#row.add(chunk.subarray(start), this.#location);
  }

  end(): Iterable<RowPiece> {
    if (this.#ended) return [];
    throw this.#misshapen("the end of the file");
  }

  /** The index of the text's end, or of the chunk's. */
  #passText(chunk: Uint8Array, from: number): number {
    let i = this.#escaped ? from + 1 : from;
    this.#escaped = false;
    for (; i < chunk.length; i++) {
      if (chunk[i] === QUOTE) {
        this.#inText = false;
        return i;
      }
      if (chunk[i] === BACKSLASH) i++;
    }
    this.#escaped = i > chunk.length;
    return i;
  }

  #finish(bytes: Uint8Array): RowPiece {
    const location = this.#location;
    this.#number++;
    return { bytes: this.#row.finish(bytes, location), location };
  }

  *#finishLast(bytes: Uint8Array, closing: number): Generator<RowPiece> {
    if (closing !== CLOSE_LIST) throw this.#misshapen('"}"');
    this.#ended = true;
    const isFirst = this.#number === 1;
    const piece = this.#finish(bytes);
    if (!(isFirst && piece.bytes.every(isBlank))) yield piece;
  }

  #expectBlank(byte: number) {
    if (isBlank(byte)) return;
    throw unreadable(
      this.#path,
      "expected one JSON array, found more after its end",
    );
  }

  #misshapen(found: string): Error {
    return unreadable(
      this.#location,
      `expected the array to go on or to end with "]", found ${found}`,
    );
  }

  get #location(): string {
    return `${this.#path}, row ${this.#number}`;
  }
}

/** The bytes of one row and where they are. */
export interface RowPiece {
  readonly bytes: Uint8Array;
  readonly location: string;
}

/** Cuts the chunks of a stream, given one after the other, into rows. */
export interface Splitter {
  push(chunk: Uint8Array): Generator<RowPiece>;
  /** What is left when the stream ends. */
  end(): Iterable<RowPiece>;
}

const LINE_FEED = 0x0a;

/** Lines without their line feeds, numbered from 1; blank ones are left out. */
export class LineSplitter implements Splitter {
  readonly #path: string;
  readonly #row: RowBytes;
  #line = 1;

  constructor({ path, maxRowBytes }: Reading) {
    this.#path = path;
    this.#row = new RowBytes(maxRowBytes);
  }

  *push(chunk: Uint8Array): Generator<RowPiece> {
    let start = 0;
    let end = chunk.indexOf(LINE_FEED);
    while (end !== -1) {
      yield* this.#finish(chunk.subarray(start, end));
      start = end + 1;
      end = chunk.indexOf(LINE_FEED, start);
    }
    this.#row.add(chunk.subarray(start), this.#location);
  }

  end(): Iterable<RowPiece> {
    return this.#finish(new Uint8Array());
  }

  #finish(last: Uint8Array): RowPiece[] {
    const location = this.#location;
    this.#line++;
    const bytes = this.#row.finish(last, location);
    return bytes.every(isBlank) ? [] : [{ bytes, location }];
  }

  get #location(): string {
    return `${this.#path}, line ${this.#line}`;
  }
}
