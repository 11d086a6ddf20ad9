import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  type ParquetParsers,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { zstdDecompressSync } from "node:zlib";
import { isDeepStrictEqual } from "node:util";
import {
  decode,
  goodRows,
  type Reading,
  type SourceRow,
  unreadable,
} from "./reading.ts";
import { Unpacking } from "./compression.ts";
import { reasonOf } from "../../files/values.ts";

/**
 * The rows of a parquet file, one row group in memory at a time. Lists and
 * structs of any depth become arrays and objects; whole numbers become numbers,
 * or decimal text where a number cannot hold them; times become ISO text; JSON
 * stays text; what is absent is null.
 */
export async function* readParquet(
  reading: Reading,
): AsyncGenerator<SourceRow> {
  let number = 0;
  const read = (fields: SourceRow["fields"]) =>
    plainRow({ location: `${reading.path}, row ${++number}`, fields });
  yield* goodRows(records(reading), read, reading.refuse);
}

async function* records(reading: Reading): AsyncGenerator<SourceRow["fields"]> {
  const { path } = reading;
  const damaged = (cause: unknown) => {
    const what = `${reasonOf(cause)}; expected a whole parquet file`;
    throw unreadable(path, what, cause);
  };
  const file = await asyncBufferFromFile(path);
  const metadata = await readMetadata(file).catch(damaged);
  const options = {
    file,
    metadata,
    utf8: false, // bytes that are not declared to be text stay bytes
    compressors: guarded(reading),
    parsers: PARSERS,
  };
  let rowStart = 0;
  for (const { num_rows: count } of metadata.row_groups) {
    const rowEnd = rowStart + Number(count);
    yield* await parquetReadObjects({ ...options, rowStart, rowEnd })
      .catch(damaged);
    rowStart = rowEnd;
  }
}

async function readMetadata(file: AsyncBuffer): Promise<FileMetaData> {
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const wanted = leavesOf(parquetSchema(metadata));
  if (new Set(wanted.map(String)).size < wanted.length) {
    throw new Error(`two columns have the same name, of ${wanted.join("; ")}`);
  }
  for (const { columns } of metadata.row_groups) {
    // The package reads every column and waits only for those of the schema, so
    // that an error in another one would end the process.
    const found = columns.map((column) => column.meta_data?.path_in_schema);
    if (isDeepStrictEqual(found, wanted)) continue;
    throw new Error("a row group has other columns than the schema");
  }
  return metadata;
}

function leavesOf({ path, children }: SchemaTree): string[][] {
  return children.length === 0 ? [path] : children.flatMap(leavesOf);
}

/** Stands for text that is not UTF-8 until its row is known. */
class NotText {}

const PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: readText,
  jsonFromBytes: readText,
};

function readText(bytes: Uint8Array | undefined): unknown {
  try {
    return bytes && decode(bytes, "");
  } catch {
    return new NotText();
  }
}

/** The package's decompressors, held to the size that a page states. */
function guarded({ maxBombBytes }: Reading): Compressors {
  const count = new Unpacking(maxBombBytes);
  const unpackers: Compressors = {
    ...compressors,
    // The package's own one goes by the data, whatever the page says.
    ZSTD: (input, maxOutputLength) =>
      zstdDecompressSync(input, { maxOutputLength }),
  };
  return Object.fromEntries(
    Object.entries(unpackers).map(([codec, unpack]) => [
      codec,
      (input: Uint8Array, length: number) => {
        count.packed(input.length);
        count.unpacked(length);
        // A page of nulls is empty, and empty is what some of them refuse.
        return length === 0 ? new Uint8Array() : unpack(input, length);
      },
    ]),
  );
}

function plainRow({ location, fields }: SourceRow): SourceRow {
  const entries = Object.entries(fields).map(([name, value]) => {
    try {
      return [name, plain(value)];
    } catch (cause) {
      const what = `expected "${name}" to be ${reasonOf(cause)}`;
      throw unreadable(location, what, cause);
    }
  });
  return { location, fields: Object.fromEntries(entries), arrow: true };
}

function plain(value: unknown): unknown {
  if (value instanceof NotText) throw new TypeError("UTF-8, found other bytes");
  if (value === undefined) return null;
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, plain(inner)]),
  );
}
