import { gunzipSync } from "node:zlib";

/** One object of a data file. */
export interface Row {
  /** File and place, for messages: `pairs.jsonl, line 3`. */
  readonly where: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Reads the rows of a JSON file (one array of objects) or a JSONL file (one
 * object a line, blank lines skipped), either of them plain or gzipped; what a
 * file is shows in its bytes, not in its name.
 *
 * @throws an error that names the file and, where there is one, the line or
 * row (both from 1): the file cannot be read, is not UTF-8, is neither JSON
 * nor JSONL, or has no rows.
 */
export async function readRows(path: string): Promise<Row[]> {
  const text = decode(await bytesOf(path), path);
  const rows = /^\s*\[/.test(text)
    ? arrayRows(text, path)
    : lineRows(text, path);
  if (rows.length === 0) {
    throw new Error(`Cannot use ${path}: expected rows, found none`);
  }
  return rows;
}

/** The error of a field that is not what it must be. */
export function fieldError(row: Row, name: string, expected: string): Error {
  const found = JSON.stringify(row.fields[name])?.slice(0, 40);
  return new TypeError(
    `Cannot read ${row.where}: expected "${name}" to be ${expected}, found ${found}`,
  );
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    const bytes = await Deno.readFile(path);
    // Not DecompressionStream: it refuses files of several gzip members.
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${message(cause)}`, { cause });
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(
      `Cannot read ${path}: expected JSON or JSONL, found bytes that are not UTF-8`,
      { cause },
    );
  }
}

function arrayRows(text: string, path: string): Row[] {
  const values = parse(text, path) as unknown[];
  return values.map((value, i) => row(value, `${path}, row ${i + 1}`));
}

function lineRows(text: string, path: string): Row[] {
  return text.split("\n").flatMap((line, i) => {
    const where = `${path}, line ${i + 1}`;
    return line.trim() === "" ? [] : [row(parse(line, where), where)];
  });
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(
      `Cannot read ${where}: ${message(cause)}; ` +
        "expected one JSON array of objects, or one JSON object a line",
      { cause },
    );
  }
}

function row(value: unknown, where: string): Row {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return { where, fields: value as Record<string, unknown> };
  }
  const found = JSON.stringify(value).slice(0, 40);
  throw new Error(`Cannot read ${where}: expected an object, found ${found}`);
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
