import {
  shown,
  type SourceRow,
  unreadable,
  valueError,
} from "./containers/reading.ts";
import { isObject } from "../files/values.ts";

/** One turn of a conversation, as chat templates take it. */
export interface Message {
  /** The speaker: `system`, `user`, `assistant` … */
  readonly role: string;
  /** The text. */
  readonly content: string;
  /** Other keys that a template may use: `name`, `tool_calls` … */
  readonly [key: string]: unknown;
}

/** Keys and roles of messages in a data file. */
export interface MessageTags {
  /** Key of the speaker's role. */
  readonly role: string;
  /** Key of the text. */
  readonly content: string;
  /** Names of roles in the file, and in chat templates. */
  readonly roles: ReadonlyMap<unknown, string>;
}

/**
 * ShareGPT's calls stay the text that they are: few templates render
 * `tool_calls`.
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

const OPENAI: MessageTags = { role: "role", content: "content", roles: ROLES };
const SHAREGPT: MessageTags = { role: "from", content: "value", roles: ROLES };

/** Options of {@linkcode readMessages}. */
export interface ReadMessagesOptions {
  /** @default `{ role, content }` or `{ from, value }`, as each message has it */
  readonly tags?: MessageTags | undefined;
  /** The messages, where they are not a column of their own. @default the column */
  readonly value?: unknown;
}

/**
 * Reads messages: a list of at least one, or one by itself. Content is text,
 * or parts that are all text, which become one; keys that are `null` count as
 * missing.
 *
 * @param at the column, or the place of `options.value`.
 * @throws an error that names file, row and place: not messages, no role, an
 * unknown role, or content that is not text.
 */
export function readMessages(
  row: SourceRow,
  field: string,
  { tags, value = row.fields[field] }: ReadMessagesOptions = {},
): Message[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every(isObject)) {
    return list.map((item, i) =>
      message(row, { item, field: `${field}[${i}]`, tags })
    );
  }
  const expected = "one message or more";
  throw valueError(row, { field, actual: value, expected });
}

function message(
  row: SourceRow,
  { item, field, tags = tagsOf(item) }: {
    item: Record<string, unknown>;
    field: string;
    tags: MessageTags | undefined;
  },
): Message {
  const { [tags.role]: role, [tags.content]: content, ...others } = item;
  const rest = withoutNull(others);
  if (rest.tool_calls !== undefined) checkCalls(row, field, rest.tool_calls);
  return {
    ...rest,
    role: knownRole(row, { role, field, tags }),
    // A turn that only calls tools has no content.
    content: rest.tool_calls && (content ?? null) === null
      ? ""
      : textOf(row, `${field}.${tags.content}`, content),
  };
}

function tagsOf(item: Record<string, unknown>): MessageTags {
  return "from" in item && !("role" in item) ? SHAREGPT : OPENAI;
}

/** Tables write `null` into the fields that only other messages have. */
function withoutNull(fields: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(fields).filter(([, value]) => value !== null);
  return Object.fromEntries(kept);
}

function knownRole(
  { location }: SourceRow,
  { role, field, tags }: { role: unknown; field: string; tags: MessageTags },
): string {
  const known = tags.roles.get(role);
  if (known !== undefined) return known;
  const actual = (role ?? null) === null
    ? `no "${tags.role}"`
    : `unknown ${tags.role} ${shown(role)}`;
  const names = [...tags.roles.keys()].join(", ");
  throw unreadable(location, `${actual} in ${field}; expected one of ${names}`);
}

function textOf(row: SourceRow, field: string, content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content) && content.length > 0) {
    return content.map((part, i) => partText(row, `${field}[${i}]`, part)).join(
      "",
    );
  }
  throw valueError(row, { field, actual: content, expected: "text" });
}

/** `{ type: "text", text }`, or with LLaMA-Factory `value` for `text`. */
function partText(row: SourceRow, field: string, part: unknown): string {
  if (isObject(part) && part.type === "text") {
    const text = part.text ?? part.value;
    if (typeof text === "string") return text;
  }
  throw valueError(row, {
    field,
    actual: part,
    expected: "a part of type text",
  });
}

function checkCalls(row: SourceRow, field: string, calls: unknown): void {
  if (Array.isArray(calls) && calls.length > 0 && calls.every(isObject)) return;
  const expected = "a list of one call or more";
  throw valueError(row, {
    field: `${field}.tool_calls`,
    actual: calls,
    expected,
  });
}
