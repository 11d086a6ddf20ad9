import type { Row } from "../row.ts";
import { decode, isBlank, type Reading, unreadable } from "./reading.ts";
import { ArraySplitter } from "./split_array.ts";
import { LineSplitter, type Piece, type Splitter } from "./split_lines.ts";
import { reasonOf } from "../../reason_of.ts";
import { isObject } from "../../is_object.ts";

const EXPECTED =
  "expected one JSON array of objects, or one JSON object a line";
const OPEN_LIST = 0x5b;

/**
 * The rows of one JSON array of objects, or of one JSON object a line (blank
 * lines are none): which of the two shows in the first byte that is not blank.
 */
export async function* readJson(
  chunks: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<Row> {
  let first = true;
  for await (const piece of splitRows(chunks, reading)) {
    let row;
    try {
      row = parse(piece);
    } catch (error) {
      reading.refuse(error as Error);
      continue;
    }
    if (first) refuseWrapper(row);
    first = false;
    yield row;
  }
}

async function* splitRows(
  chunks: AsyncIterable<Uint8Array>,
  reading: Reading,
): AsyncGenerator<Piece> {
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

function parse({ bytes, where }: Piece): Row {
  const text = decode(bytes, where);
  const value = parseText(text, where);
  if (isObject(value)) return { where, fields: value };
  const found = text.trim().slice(0, 40);
  throw unreadable(where, `expected an object, found ${found}`);
}

function parseText(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Its line and column are those in the row, where the file's are wanted.
    const reason = reasonOf(error).replace(/ \(line \d+ column \d+\)/, "");
    throw unreadable(where, `${reason}; ${EXPECTED}`);
  }
}

/** Files that hold their rows in one object, as some tools write them. */
function refuseWrapper({ where, fields }: Row) {
  for (const name of ["data", "rows", "train"]) {
    const value = fields[name];
    if (!Array.isArray(value) || !isObject(value[0])) continue;
    throw unreadable(where, `found rows inside "${name}"; ${EXPECTED}`);
  }
}
