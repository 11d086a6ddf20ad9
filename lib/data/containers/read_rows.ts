import {
  beginsWith,
  type Chunks,
  peek,
  type Reading,
  type SourceRow,
  unreadable,
} from "./reading.ts";
import { decompress } from "./compression.ts";
import { readCsv } from "./csv.ts";
import { readJson } from "./json.ts";
import { readParquet } from "./parquet.ts";
import { refuseStandIn } from "../../files/stand_in.ts";
import { reasonOf } from "../../files/values.ts";

/** Options for {@linkcode streamRows} and {@linkcode readRows}. */
export interface ReadOptions {
  /**
   * Takes the error of a row that cannot be read, which is left out then: JSON
   * that is broken or no object, text that is not UTF-8, CSV with another
   * number of cells than the header.
   *
   * @default throws it
   */
  readonly onBadRow?: (error: Error) => void;
  /**
   * Most bytes of a row.
   *
   * @default 64 MiB
   */
  readonly maxRowBytes?: number;
  /**
   * Most bytes that compressed data may unpack to if they are more than 200
   * times their size.
   *
   * @default 1 GiB
   */
  readonly maxBombBytes?: number;
}

/**
 * Reads the rows of a data file, one after the other in little memory: a JSON
 * array of objects, JSON lines (blank ones skipped), CSV or TSV with a header,
 * each of them plain or packed by gzip or zstd, or parquet. The bytes of a file
 * tell what it is, not its name, except for `.csv` and `.tsv`.
 *
 * @throws an error that names the file and, where there is one, the line or
 * row (both from 1): the file cannot be read, is damaged or cut short, has a
 * row that is none and `onBadRow` is not given, or has no rows.
 */
export async function* streamRows(
  path: string,
  {
    onBadRow,
    maxRowBytes = 64 * 2 ** 20,
    maxBombBytes = 2 ** 30,
  }: ReadOptions = {},
): AsyncGenerator<SourceRow> {
  let good = 0;
  let bad = 0;
  const refuse = (error: Error) => {
    if (onBadRow === undefined) throw error;
    bad++;
    onBadRow(error);
  };
  for await (const row of open({ path, maxRowBytes, maxBombBytes, refuse })) {
    good++;
    yield row;
  }
  if (good > 0) return;
  const found = bad === 0 ? "none" : `only ${bad} that cannot be read`;
  throw new Error(`Cannot use ${path}: expected rows, found ${found}`);
}

/** All rows of {@linkcode streamRows}. */
export function readRows(
  path: string,
  options?: ReadOptions,
): Promise<SourceRow[]> {
  return Array.fromAsync(streamRows(path, options));
}

const PARQUET = [0x50, 0x41, 0x52, 0x31];

async function* open(reading: Reading): AsyncGenerator<SourceRow> {
  const file = fileChunks(reading.path);
  try {
    const { head, whole } = await peek(file, PARQUET.length);
    yield* beginsWith(head, PARQUET)
      ? readParquet(reading)
      : readText(decompress(whole, reading), reading);
  } finally {
    await file.return(undefined);
  }
}

async function* fileChunks(path: string): Chunks {
  try {
    await refuseStandIn(path);
    using file = await Deno.open(path);
    yield* file.readable;
  } catch (cause) {
    throw unreadable(path, reasonOf(cause), cause);
  }
}

async function* readText(chunks: Chunks, reading: Reading) {
  const { path } = reading;
  const text = await withoutMark(chunks, path);
  const [, extension] = /\.(csv|tsv)(?:\.gz|\.zst)?$/i.exec(path) ?? [];
  if (extension === undefined) return yield* readJson(text, reading);
  const delimiter = extension.toLowerCase() === "csv" ? "," : "\t";
  yield* readCsv(text, { ...reading, delimiter });
}

/** The bytes after a byte order mark, which only UTF-8 may have. */
async function withoutMark(chunks: Chunks, path: string): Promise<Chunks> {
  const { head, whole } = await peek(chunks, 3);
  if (beginsWith(head, [0xff, 0xfe]) || beginsWith(head, [0xfe, 0xff])) {
    throw unreadable(path, "expected UTF-8, found UTF-16");
  }
  return beginsWith(head, [0xef, 0xbb, 0xbf]) ? skip(whole, 3) : whole;
}

async function* skip(chunks: Chunks, count: number): Chunks {
  let left = count;
  for await (const chunk of chunks) {
    yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
