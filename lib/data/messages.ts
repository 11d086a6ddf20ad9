import { fieldError, type Row } from "./read_rows.ts";

/** One turn of a conversation, as chat templates take it. */
export interface Message {
  readonly role: string;
  readonly content: string;
  /** Whatever else a template may use: `name`, `tool_calls` … */
  readonly [key: string]: unknown;
}

/**
 * Names of roles in data files, and in chat templates. ShareGPT's calls stay
 * the text that they are: few templates render `tool_calls`.
 */
const ROLES: ReadonlyMap<unknown, string> = new Map([
  ["system", "system"],
  ["developer", "developer"],
  ["user", "user"],
  ["human", "user"],
  ["assistant", "assistant"],
  ["gpt", "assistant"],
  ["function_call", "assistant"],
  ["tool", "tool"],
  ["observation", "tool"],
]);

/**
 * Reads a column of `{ role, content }` or `{ from, value }` messages: a list
 * of at least one, or one by itself.
 *
 * @throws an error that names file, row and column: not messages, an unknown
 * role, or content that is not text.
 */
export function readMessages(row: Row, column: string): Message[] {
  const value = row.fields[column];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every(isObject)) {
    return list.map((item, i) => message(item, `${column}[${i}]`, row));
  }
  throw fieldError(row, column, "a list of messages");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function message(
  item: Record<string, unknown>,
  at: string,
  { where }: Row,
): Message {
  const { from, value, role = from, content = value, ...rest } = item;
  const known = ROLES.get(role);
  if (known === undefined) {
    throw new RangeError(
      `Cannot read ${where}: unknown role ${JSON.stringify(role)} in ${at}; ` +
        `expected one of ${[...ROLES.keys()].join(", ")}`,
    );
  }
  // A turn that only calls tools has null for content.
  const text = content ?? (rest.tool_calls ? "" : undefined);
  if (typeof text === "string") return { ...rest, role: known, content: text };
  throw new TypeError(
    `Cannot read ${where}: expected the content of ${at} to be text, ` +
      `found ${JSON.stringify(text)?.slice(0, 40)}`,
  );
}
