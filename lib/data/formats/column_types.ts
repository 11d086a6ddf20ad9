import { isObject } from "../../files/values.ts";
import type { SourceRow } from "../containers/reading.ts";

/**
 * The type of a column's values, as far as it tells formats apart. The format
 * checks the rest.
 */
export interface ColumnType {
  /** Description of a value, for messages. */
  readonly expected: string;
  holds(value: unknown): boolean;
  /** Encoding of the value in an untyped cell. @default text */
  readonly cell?: "json" | "label";
}

export const text: ColumnType = {
  expected: "text",
  holds: (value) => typeof value === "string",
};

export const messages: ColumnType = {
  expected: "messages",
  holds: areMessages,
  cell: "json",
};

export const texts: ColumnType = {
  expected: "a list of texts, best first",
  holds: (value) => isListOf(value, text.holds),
  cell: "json",
};

export const conversations: ColumnType = {
  expected: "a list of messages or of lists of them, best first",
  holds: (value) => isListOf(value, areMessages),
  cell: "json",
};

export const ids: ColumnType = {
  expected: "a list of token ids",
  holds: areIds,
  cell: "json",
};

export const idLists: ColumnType = {
  expected: "lists of token ids, best first",
  holds: (value) => isListOf(value, areIds),
  cell: "json",
};

/** Any value: the reader of labels says what is wrong with one. */
export const label: ColumnType = {
  expected: "true, false, 1 or 0",
  holds: (value) => value !== undefined,
  cell: "label",
};

export const list: ColumnType = {
  expected: "a list",
  holds: Array.isArray,
  cell: "json",
};

/** One text and no other. */
export function exactly(value: string): ColumnType {
  return {
    expected: JSON.stringify(value),
    holds: (actual) => actual === value,
  };
}

function areMessages(value: unknown): boolean {
  return isObject(value) || isListOf(value, isObject);
}

function areIds(value: unknown): boolean {
  return isListOf(value, (id) => Number.isInteger(id) && Number(id) >= 0);
}

function isListOf(value: unknown, holds: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(holds);
}

/** Columns of numbers that rows of any format may have. */
const NUMBERS = [
  "loss_weight",
  "score_chosen",
  "score_rejected",
  "scores",
  "votes_chosen",
  "votes_rejected",
  "votes_equal",
];

/** Labels as tables write them: JSON, pandas and R. */
const LABELS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["1", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
  ["0", false],
]);

/**
 * An untyped row with typed values: lists and messages from their JSON, labels,
 * numbers. A cell that cannot be read so stays text, for the format to refuse.
 * An empty cell is missing unless its column holds text.
 */
export function typedRow(
  row: SourceRow,
  columns: Readonly<Record<string, ColumnType>>,
): SourceRow {
  if (!row.untyped) return row;
  const fields: Record<string, unknown> = { ...row.fields };
  for (const [name, { cell }] of Object.entries(columns)) {
    if (cell) fields[name] = valueOf(fields[name], cell);
  }
  for (const name of NUMBERS) fields[name] = valueOf(fields[name], "json");
  return { ...row, fields };
}

function valueOf(cell: unknown, kind: "json" | "label"): unknown {
  if (typeof cell !== "string") return cell;
  if (cell.trim() === "") return null;
  if (kind === "label") return LABELS.get(cell.trim()) ?? cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
