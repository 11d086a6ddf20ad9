import { CsvError, parse } from "csv-parse";
import { pipeline, Readable } from "node:stream";
import {
  decode,
  goodRows,
  type Reading,
  type SourceRow,
  tooLong,
  unreadable,
} from "./reading.ts";

/** The parser's errors in words for the author of the file. */
const REASONS: Partial<Record<CsvError["code"], string>> = {
  CSV_QUOTE_NOT_CLOSED:
    "expected the quote that opens a cell to be closed, found the end of the file",
  CSV_INVALID_CLOSING_QUOTE:
    "expected the end of the cell after its closing quote, or quotes inside it doubled",
  INVALID_OPENING_QUOTE:
    "found a quote inside a cell; expected the cell in quotes and quotes inside it doubled",
};

/** Options for {@linkcode readCsv}. */
export interface CsvReading extends Reading {
  readonly delimiter: "," | "\t";
}

/**
 * The rows of comma- or tab-separated cells below a header; cells are text,
 * those that hold JSON too. Rows are counted from 1 below the header, as one
 * may cover several lines; blank lines are none.
 *
 * A row with too few or too many cells can be left out. A quote out of place
 * cannot: where the next row begins is a guess then.
 */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  reading: CsvReading,
): AsyncGenerator<SourceRow> {
  const { path, refuse } = reading;
  const lines = records(chunks, reading);
  const { value: names } = await lines.next();
  if (!names) return;
  const header = readHeader(names, reading);
  let number = 0;
  const read = (cells: readonly Uint8Array[]) => {
    const location = `${path}, row ${++number}`;
    const fields = readFields(cells, { location, header });
    return { location, fields, untyped: true };
  };
  yield* goodRows(lines, read, refuse);
}

async function* records(
  chunks: AsyncIterable<Uint8Array>,
  reading: CsvReading,
): AsyncGenerator<readonly Uint8Array[], undefined> {
  const parser = parse({
    delimiter: reading.delimiter,
    encoding: null, // its own decoding would replace what is not UTF-8
    max_record_size: reading.maxRowBytes,
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true, // counted here, where the row has a name
    skip_empty_lines: true,
  });
  pipeline(Readable.from(chunks), parser, () => {}); // errors reach the loop
  try {
    yield* parser as AsyncIterable<Uint8Array[]>;
  } catch (error) {
    throw error instanceof CsvError ? csvError(error, reading) : error;
  }
}

function readHeader(
  cells: readonly Uint8Array[],
  { path, delimiter }: CsvReading,
): string[] {
  const location = `${path}, header`;
  const names = cells.map((cell) => decodeCell(cell, location));
  refuseOtherSeparator(names, { location, delimiter });
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return names;
  throw unreadable(
    location,
    `expected a name for each column, found "${twice}" twice`,
  );
}

/** One column whose name has another separator was written with that one. */
function refuseOtherSeparator(
  [name, ...others]: readonly string[],
  { location, delimiter }: { location: string; delimiter: string },
): void {
  const other = [";", "\t", "|", ","].find((mark) =>
    mark !== delimiter && name?.includes(mark)
  );
  if (others.length > 0 || other === undefined) return;
  throw unreadable(
    location,
    `found one column, ${JSON.stringify(name)}: is the separator ` +
      `${JSON.stringify(other)}? Expected ${JSON.stringify(delimiter)}`,
  );
}

function readFields(
  cells: readonly Uint8Array[],
  { location, header }: { location: string; header: readonly string[] },
): SourceRow["fields"] {
  if (cells.length === header.length) {
    const values = cells.map((cell) => decodeCell(cell, location));
    return Object.fromEntries(header.map((name, i) => [name, values[i]]));
  }
  throw unreadable(
    location,
    `expected ${header.length} cells, as the header has, found ${cells.length}`,
  );
}

function decodeCell(cell: Uint8Array, location: string): string {
  const text = decode(cell, location);
  if (!text.includes("\0")) return text;
  throw unreadable(location, "expected text, found a NUL byte");
}

function csvError(
  error: CsvError,
  { path, maxRowBytes }: CsvReading,
): Error {
  const { code, message, records } = error;
  const location = records === 0
    ? `${path}, header`
    : `${path}, row ${records}`;
  return code === "CSV_MAX_RECORD_SIZE"
    ? tooLong(location, maxRowBytes)
    : unreadable(location, REASONS[code] ?? message.replace(/[,:].*/s, ""));
}
