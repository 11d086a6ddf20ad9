import { parseWithFloats } from "../floats.ts";
import { isObject } from "../../files/values.ts";
import { pythonLiteral } from "./python_literal.ts";
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
  readonly cell?: "json" | "label" | "messages" | "conversations";
}

export const text: ColumnType = {
  expected: "text",
  holds: (value) => typeof value === "string",
};

export const messages: ColumnType = {
  expected: "messages",
  holds: areMessages,
  cell: "messages",
};

export const texts: ColumnType = {
  expected: "a list of texts, best first",
  holds: (value) => isListOf(value, text.holds),
  cell: "json",
};

export const conversations: ColumnType = {
  expected: "a list of messages or of lists of them, best first",
  holds: (value) => isListOf(value, areMessages),
  cell: "conversations",
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

/** Whether a cell holds nothing: absent, blank, not a number, an empty list. */
export function isEmpty(value: unknown): boolean {
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value)) return value.every(isEmpty);
  if (isObject(value)) return Object.values(value).every(isEmpty);
  return value === undefined || value === null || Number.isNaN(value);
}

/** Words that tables have for a value that is missing. */
const MISSING = new Set(["nan", "none", "null", "na", "n/a", "<na>"]);

/** Whether a value stands for no number: empty, not finite, or a word for that. */
export function isMissing(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return isEmpty(value) ||
    typeof value === "string" && MISSING.has(value.trim().toLowerCase());
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

/** Labels as tables write them, in words and as numbers. */
const LABELS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
]);

/**
 * Whether a value is what chat messages look like, one or a list of them: each
 * has a speaker, `role` or `from`, and says something, in `content` or `value`,
 * or calls a tool. Other objects may be answers that are JSON.
 */
export function looksLikeMessages(value: unknown): boolean {
  const list = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((item) =>
    isObject(item) &&
    (typeof item.role === "string" || typeof item.from === "string") &&
    ("content" in item || "value" in item || "tool_calls" in item)
  );
}

/** Messages of a text that spells them, as JSON or as Python writes them. */
export function messagesIn(text: string): unknown {
  if (!/^\s*[[{(a]/.test(text) || !/['"](?:role|from)['"]/.test(text)) {
    return undefined;
  }
  const value = valueIn(text);
  return looksLikeMessages(value) ? value : undefined;
}

/** The value that a text spells, as JSON or as Python writes it. */
export function valueIn(text: string): unknown {
  try {
    return parseWithFloats(text);
  } catch {
    return pythonLiteral(text);
  }
}

/**
 * A row with typed values. In every row, text that spells messages becomes
 * these where a column holds them; in an untyped one lists come from their JSON
 * or from Python's text, labels and numbers from theirs. A cell that cannot be
 * read so stays text, for the format to refuse. An empty cell is missing unless
 * its column holds text.
 */
export function typedRow(
  row: SourceRow,
  columns: Readonly<Record<string, ColumnType>>,
): SourceRow {
  const spelled = row.untyped ? untypedFields(row, columns) : row.fields;
  const messages = Object.entries(columns).flatMap(([name, { cell }]) => {
    const found = spelledMessages(spelled[name], cell);
    return found === undefined ? [] : [[name, found]];
  });
  if (messages.length === 0) return { ...row, fields: spelled };
  return {
    ...row,
    fields: { ...spelled, ...Object.fromEntries(messages) },
  };
}

/** Messages, or several conversations, of a cell that spells them as text. */
function spelledMessages(value: unknown, cell: ColumnType["cell"]): unknown {
  if (cell === "messages" && typeof value === "string") {
    return messagesIn(value);
  }
  if (cell !== "conversations" || !Array.isArray(value)) return undefined;
  if (value.length === 0 || !isListOf(value, text.holds)) return undefined;
  const found = value.map((item) => messagesIn(item as string));
  return found.includes(undefined) ? undefined : found;
}

function untypedFields(
  row: SourceRow,
  columns: Readonly<Record<string, ColumnType>>,
): SourceRow["fields"] {
  const fields: Record<string, unknown> = { ...row.fields };
  for (const [name, { cell }] of Object.entries(columns)) {
    if (cell) fields[name] = valueOf(fields[name], cell);
  }
  for (const name of NUMBERS) fields[name] = valueOf(fields[name], "json");
  return fields;
}

function valueOf(cell: unknown, kind: NonNullable<ColumnType["cell"]>) {
  if (typeof cell !== "string") return cell;
  if (cell.trim() === "") return null;
  if (kind === "messages") return cell;
  if (kind !== "conversations" && isMissing(cell)) return null;
  return (kind === "label" ? labelIn(cell) : valueIn(cell)) ?? cell;
}

/** `1.0` is how pandas writes a label of 1 in a column with gaps. */
function labelIn(cell: string): unknown {
  const word = cell.trim().toLowerCase();
  const number = Number(word);
  return LABELS.get(word) ??
    (number === 0 || number === 1 ? number === 1 : undefined);
}
