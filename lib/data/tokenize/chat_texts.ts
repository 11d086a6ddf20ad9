import { isObject } from "../../files/values.ts";
import type { Message } from "../messages.ts";
import type { PreferenceRow } from "../preference_row.ts";
import { THOUGHTS } from "../tokenizer/chat_template.ts";

/** What a chat template sees of a row. */
export interface ChatContent extends Pick<PreferenceRow, "tools"> {
  readonly prompt: readonly Message[];
  readonly completions: readonly (readonly Message[])[];
}

/**
 * The meaning of a text: contents, thoughts, names and arguments of calls, names
 * and descriptions of tools or names of their parameters. Others are notes, such
 * as ids and types.
 */
export type Meaning =
  | "content"
  | "thought"
  | "call"
  | "tool"
  | "parameter"
  | "note";

/** Changes a text. */
export type Change = (text: string, meaning: Meaning) => string;

/** A message with each text in it changed, except its role and the names of fields. */
export function mapMessage(message: Message, change: Change): Message {
  const { role, content, tool_calls: calls, ...rest } = message;
  const others = Object.entries(rest).map(([key, value]) => [
    key,
    mapDeep(value, change, THOUGHTS.includes(key) ? "thought" : "note"),
  ]);
  return {
    ...Object.fromEntries(others),
    ...Array.isArray(calls) &&
      { tool_calls: calls.map((call) => mapCall(call, change)) },
    role,
    content: mapDeep(content, change, "content") as string,
  };
}

function mapCall(call: unknown, change: Change): unknown {
  return mapFields(call, (key, value) => {
    if (key === "function") return mapCall(value, change);
    if (key === "arguments") return mapNamed(value, change, "call");
    return mapDeep(value, change, key === "name" ? "call" : "note");
  });
}

/** Keys of a definition whose texts, or whose fields, a model is meant to read. */
const DEFINED: Readonly<Record<string, Meaning>> = {
  name: "tool",
  description: "tool",
  enum: "tool",
  required: "parameter",
};

/** A definition of a tool with each text in it changed, as in a message. */
export function mapTool(tool: unknown, change: Change): unknown {
  if (Array.isArray(tool)) return tool.map((item) => mapTool(item, change));
  return mapFields(tool, (key, value) => {
    if (key === "properties" && isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([name, schema]) => [
          change(name, "parameter"),
          mapTool(schema, change),
        ]),
      );
    }
    const isText = [value].flat().every((item) => typeof item === "string");
    return isText
      ? mapDeep(value, change, DEFINED[key] ?? "note")
      : mapTool(value, change);
  });
}

function mapFields(
  value: unknown,
  change: (key: string, value: unknown) => unknown,
): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, change(key, item)]),
  );
}

/** A value with each text in it changed, and each key of its objects. */
function mapNamed(value: unknown, change: Change, meaning: Meaning): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => mapNamed(item, change, meaning));
  }
  if (!isObject(value)) return mapDeep(value, change, meaning);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      change(key, meaning),
      mapNamed(item, change, meaning),
    ]),
  );
}

/** A value with each text in it changed. */
function mapDeep(value: unknown, change: Change, meaning: Meaning): unknown {
  if (typeof value === "string") return change(value, meaning);
  if (Array.isArray(value)) {
    return value.map((item) => mapDeep(item, change, meaning));
  }
  return mapFields(value, (_, item) => mapDeep(item, change, meaning));
}
