import { type Duplex, pipeline, Readable } from "node:stream";

/** The file that a container reads, and its limits. */
export interface Reading {
  /** The file's name in messages. */
  readonly path: string;
  /** Most bytes of one row. */
  readonly maxRowBytes: number;
  /** Most bytes that a bomb may unpack to; see `Unpacking`. */
  readonly maxBombBytes: number;
  /**
   * Takes the error of a row that can be left out because it is clear where
   * the next one begins: throws it, or notes it and returns.
   */
  readonly refuse: (error: Error) => void;
}

/**
 * The error of a location in a file. Quotations are made legible: no control
 * code may reach a terminal.
 */
export function unreadable(
  location: string,
  what: string,
  cause?: unknown,
): Error {
  const legible = what.replace(
    /\p{Cc}/gu,
    (code) => `\\u${code.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new Error(`Cannot read ${location}: ${legible}`, { cause });
}

/** The error of a row that is too long to be one. */
export function tooLong(location: string, maxRowBytes: number): Error {
  return unreadable(
    location,
    `expected at most ${maxRowBytes} bytes a row, found more`,
  );
}

/** Whether JSON takes a byte for white space. */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of bytes.
 *
 * @throws if they are not UTF-8: nothing is replaced.
 */
export function decode(bytes: Uint8Array, location: string): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw unreadable(location, "expected UTF-8, found other bytes", cause);
  }
}

/** One object of a data file. */
export interface SourceRow {
  /** File and place, for messages: `pairs.jsonl, line 3`. */
  readonly location: string;
  /** Its columns. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether every field is text, whatever it stands for. @default false */
  readonly untyped?: boolean;
  /**
   * Whether each object has all keys that any row's has, `null` where it has
   * not. @default false
   */
  readonly arrow?: boolean;
}

/** A value of a row that is not as expected. */
export interface Mismatch {
  /** Its place in the row: a column, or `completions[1].score`. */
  readonly field: string;
  readonly actual: unknown;
  readonly expected: string;
}

/** The error of a value that is not what it must be. */
export function valueError(
  { location }: Pick<SourceRow, "location">,
  { field, actual, expected }: Mismatch,
): Error {
  return unreadable(
    location,
    `expected "${field}" to be ${expected}, found ${shown(actual)}`,
  );
}

/** The beginning of a value as text, also of values that JSON does not have. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") return `${value}`; // JSON knows no NaN
  try {
    return JSON.stringify(value).slice(0, 40);
  } catch { // lists in lists in lists, beyond what the stack holds
    return "a value nested too deep to show";
  }
}

/**
 * Makes a row of each item, or `null` to leave it out; where that throws,
 * `refuse` takes the error and the item is left out.
 */
export async function* goodRows<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  make: (item: T) => R | null,
  refuse: (error: Error) => void,
): AsyncGenerator<R> {
  for await (const item of items) {
    let row: R | null;
    try {
      row = make(item);
    } catch (error) {
      refuse(error as Error);
      continue;
    }
    if (row !== null) yield row;
  }
}

/** Bytes as a file or a decompressor gives them; a chunk never changes later. */
export type Chunks = AsyncGenerator<Uint8Array>;

/**
 * The first bytes of a stream, fewer than `count` only where it has no more,
 * and the stream with them.
 */
export async function peek(
  chunks: Chunks,
  count: number,
): Promise<{ head: Uint8Array; whole: Chunks }> {
  const seen: Uint8Array[] = [];
  let head = new Uint8Array();
  while (head.length < count) {
    const { value, done } = await chunks.next();
    if (done) break;
    seen.push(value);
    head = concat(seen);
  }
  return { head, whole: after(head, chunks) };
}

async function* after(head: Uint8Array, chunks: Chunks): Chunks {
  if (head.length > 0) yield head;
  yield* chunks;
}

/** The bytes that a stream makes of these. */
export async function* through(chunks: Chunks, stream: Duplex): Chunks {
  pipeline(Readable.from(chunks), stream, () => {}); // errors reach the reader
  yield* stream as AsyncIterable<Uint8Array>;
}

/** One array of all bytes. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Whether bytes begin with these. */
export function beginsWith(
  bytes: Uint8Array,
  start: readonly number[],
): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}
