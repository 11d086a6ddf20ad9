import {
  shown,
  type SourceRow,
  unreadable,
  valueError,
} from "./containers/reading.ts";
import { isDeepStrictEqual } from "node:util";
import { isObject } from "../files/values.ts";
import { parseWithFloats } from "./floats.ts";

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
 * or parts that are all text, which become one; keys that are `null`, and an
 * empty list of calls, count as missing. Arguments of a call that are JSON
 * text, as in OpenAI's wire format, become the object that they spell:
 * templates would write the text as a quoted string.
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
  const { tool_calls: calls, ...rest } = withoutNull(others);
  const called = calls === undefined ? [] : readCalls(row, field, calls);
  return {
    ...rest,
    ...called.length > 0 && { tool_calls: called },
    role: knownRole(row, { role, field, tags }),
    // A turn that only calls tools has no content.
    content: called.length > 0 && (content ?? null) === null
      ? ""
      : textOf(row, `${field}.${tags.content}`, content),
  };
}

function tagsOf(item: Record<string, unknown>): MessageTags {
  return "from" in item && !("role" in item) ? SHAREGPT : OPENAI;
}

/** A value without `null` in its objects, at any depth. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(withoutNull(value))
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
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

function readCalls(
  row: SourceRow,
  field: string,
  calls: unknown,
): Record<string, unknown>[] {
  if (Array.isArray(calls) && calls.every(isObject)) {
    return calls.map((call) => readCall(call, row));
  }
  const expected = "a list of one call or more";
  throw valueError(row, {
    field: `${field}.tool_calls`,
    actual: calls,
    expected,
  });
}

/** A call, either `{ name, arguments }` or with these in its `function`. */
function readCall(
  call: Record<string, unknown>,
  row: SourceRow,
): Record<string, unknown> {
  const kept = row.arrow ? withoutNull(call) : call;
  if (isObject(kept.function)) {
    return { ...kept, function: readCall(kept.function, row) };
  }
  const { arguments: given } = kept;
  if (given === undefined) return kept;
  const spelled = typeof given === "string" ? objectOf(given) : null;
  if (spelled) SPELLED.set(spelled, String(given));
  const values = row.arrow ? withoutNulls(given) : given;
  return { ...kept, arguments: spelled ?? values };
}

/** Texts of arguments that were read from JSON. */
const SPELLED = new WeakMap<object, string>();

/** The JSON that a call's arguments were read from, if they were. */
export function spelledArguments(given: object): string | undefined {
  return SPELLED.get(given);
}

function objectOf(json: string): Record<string, unknown> | null {
  try {
    const value = parseWithFloats(json, true);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Keys of messages that a template may show as parts of the conversation. */
const SHOWN = [
  "role",
  "content",
  "name",
  "reasoning_content",
  "reasoning",
  "thinking",
];

/**
 * The parts of a message that a model may see: role, content, name, thoughts and
 * calls. Other keys, and the ids of calls, are notes about it.
 */
export function seenParts(message: Message): Record<string, unknown> {
  const shown = SHOWN.map((key) => [key, message[key]]);
  return { ...Object.fromEntries(shown), calls: callsOf(message) };
}

/** Whether two messages are the same to a model, see {@linkcode seenParts}. */
export function saysTheSame(a: Message, b: Message): boolean {
  return isDeepStrictEqual(seenParts(a), seenParts(b));
}

function callsOf({ tool_calls: calls }: Message): unknown {
  if (!Array.isArray(calls)) return calls;
  return calls.map((call) => {
    const { function: called, name, arguments: given } = call;
    return called ?? { name, arguments: given };
  });
}
