import { isObject } from "../../is_object.ts";

/**
 * The form of a column's values, by which formats are told apart: only as
 * much as that takes. The rest is for the format to check.
 */
export interface Form {
  /** What a value must be, for messages. */
  readonly expected: string;
  holds(value: unknown): boolean;
  /** What the text of an untyped cell stands for, if not for itself. */
  readonly cell?: "json" | "label";
}

export const text: Form = {
  expected: "text",
  holds: (value) => typeof value === "string",
};

export const messages: Form = {
  expected: "messages",
  holds: areMessages,
  cell: "json",
};

export const texts: Form = {
  expected: "a list of texts, best first",
  holds: (value) => isListOf(value, text.holds),
  cell: "json",
};

export const conversations: Form = {
  expected: "a list of messages or of lists of them, best first",
  holds: (value) => isListOf(value, areMessages),
  cell: "json",
};

export const ids: Form = {
  expected: "a list of token ids",
  holds: areIds,
  cell: "json",
};

export const idLists: Form = {
  expected: "lists of token ids, best first",
  holds: (value) => isListOf(value, areIds),
  cell: "json",
};

/** Says more when the label is read. */
export const label: Form = {
  expected: "true, false, 1 or 0",
  holds: (value) => value !== undefined,
  cell: "label",
};

export const list: Form = {
  expected: "a list",
  holds: Array.isArray,
  cell: "json",
};

/** One text and no other. */
export function exactly(value: string): Form {
  return {
    expected: JSON.stringify(value),
    holds: (found) => found === value,
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
