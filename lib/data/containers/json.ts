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
import { parseWithFloats } from "../floats.ts";

const EXPECTED =
  "expected one JSON array of objects, or one JSON object a line";

const [QUOTE, COMMA, BACKSLASH, LINE_FEED] = [0x22, 0x2c, 0x5c, 0x0a];
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
  let splitter: Splitter = new LineSplitter(reading, "line");
  let begun = false;
  for await (const chunk of chunks) {
    if (!begun) {
      const first = chunk.find((byte) => !isBlank(byte));
      if (first === OPEN_LIST) splitter = new ArraySplitter(reading, "row");
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

/** Texts, and numbers that Python writes and JSON does not have. */
const NO_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs;

/** The text with `null` for `NaN` and `Infinity`, as their columns lack a value. */
function withoutNaN(text: string): string {
  return text.replace(NO_NUMBER, (found) => found[0] === '"' ? found : "null");
}

function parseText(text: string, location: string): unknown {
  try {
    return parseWithFloats(text);
  } catch (error) {
    if (/NaN|Infinity/.test(text)) {
      try {
        return parseWithFloats(withoutNaN(text));
      } catch {
        // The first error tells what the file has.
      }
    }
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

/** The bytes of one row, and its location. */
interface RowPiece {
  readonly bytes: Uint8Array;
  readonly location: string;
}

/** Cuts the chunks of a stream, given one after the other, into rows. */
abstract class Splitter {
  /** Number of the row that goes on, from 1. */
  protected number = 1;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(
    protected readonly reading: Reading,
    private readonly unit: "line" | "row",
  ) {}

  /** The rows that end within a chunk. */
  abstract push(chunk: Uint8Array): Generator<RowPiece>;

  /** The rows that the end of the stream ends. */
  abstract end(): Iterable<RowPiece>;

  protected get location(): string {
    return `${this.reading.path}, ${this.unit} ${this.number}`;
  }

  /**
   * Keeps more bytes of the row that goes on.
   *
   * @throws Error where the row is too long.
   */
  protected keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    const { maxRowBytes } = this.reading;
    if (this.#size > maxRowBytes) throw tooLong(this.location, maxRowBytes);
  }

  /** The row that ends with these bytes; the next one begins. */
  protected finish(last: Uint8Array): RowPiece {
    this.keep(last);
    const { location } = this;
    const parts = this.#parts;
    this.#parts = [];
    this.#size = 0;
    this.number++;
    const bytes = parts.length === 1 ? parts[0]! : concat(parts);
    return { bytes, location };
  }
}

/**
 * Cuts one JSON array into its elements, whatever stands between its commas;
 * they are still to be parsed. In UTF-8 none of the bytes that it looks for is
 * ever part of another character.
 */
class ArraySplitter extends Splitter {
  /** Lists and objects that are open, the array itself included. */
  #depth = 0;
  #ended = false;
  #inText = false;
  #escaped = false;

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
        yield this.finish(chunk.subarray(start, i));
        start = i + 1;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (++this.#depth === 1) start = i + 1;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (--this.#depth > 0) continue;
        yield* this.#finishLast(chunk.subarray(start, i), byte);
        start = chunk.length;
      }
    }
    this.keep(chunk.subarray(start));
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

  *#finishLast(bytes: Uint8Array, closing: number): Generator<RowPiece> {
    if (closing !== CLOSE_LIST) throw this.#misshapen('"}"');
    this.#ended = true;
    const isFirst = this.number === 1;
    const piece = this.finish(bytes);
    if (!(isFirst && piece.bytes.every(isBlank))) yield piece;
  }

  #expectBlank(byte: number) {
    if (isBlank(byte)) return;
    throw unreadable(
      this.reading.path,
      "expected one JSON array, found more after its end",
    );
  }

  #misshapen(actual: string): Error {
    return unreadable(
      this.location,
      `expected the array to go on or to end with "]", found ${actual}`,
    );
  }
}

/** Cuts text into lines without their line feeds, and leaves blank ones out. */
class LineSplitter extends Splitter {
  *push(chunk: Uint8Array): Generator<RowPiece> {
    let start = 0;
    let end = chunk.indexOf(LINE_FEED);
    while (end !== -1) {
      yield* this.#line(chunk.subarray(start, end));
      start = end + 1;
      end = chunk.indexOf(LINE_FEED, start);
    }
    this.keep(chunk.subarray(start));
  }

  end(): Iterable<RowPiece> {
    return this.#line(new Uint8Array());
  }

  #line(last: Uint8Array): RowPiece[] {
    const piece = this.finish(last);
    return piece.bytes.every(isBlank) ? [] : [piece];
  }
}
