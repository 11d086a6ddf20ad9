import type { Message } from "../messages.ts";
import { type Format, format } from "./format.ts";
import { type ColumnType, messages } from "./column_types.ts";
import {
  chat,
  chatOfTwo,
  checkAlternation,
  readTurns,
  type Turns,
} from "./turns.ts";
import { readTools } from "./values.ts";
import { isObject } from "../../files/values.ts";
import { type SourceRow, valueError } from "../containers/reading.ts";

const input: ColumnType = {
  expected: "an object with messages",
  holds: (value) => isObject(value) && messages.holds(value.messages),
  cell: "json",
};

/**
 * The layout of OpenAI's preference fine-tuning:
 * https://platform.openai.com/docs/guides/direct-preference-optimization
 */
export const openai: Format = format({
  name: "openai",
  kind: "pairs",
  columns: {
    input,
    preferred_output: messages,
    non_preferred_output: messages,
  },
  // Tools are the input's.
  tools: null,
  read(row) {
    const { messages, tools } = row.fields.input as Record<string, unknown>;
    return {
      ...chat(row, readTurns(row, "input.messages", { value: messages }), [
        readTurns(row, "preferred_output"),
        readTurns(row, "non_preferred_output"),
      ]),
      ...readTools(row, { field: "input.tools", value: tools, form: "chat" }),
    };
  },
});

/** A speaker's mark, with the space that every turn has after it. */
const MARK = /\n\n(Human|Assistant): ?/;

const dialogue: ColumnType = {
  expected: String.raw`"\n\nHuman: …\n\nAssistant: …"`,
  holds: (value) => typeof value === "string" && value.startsWith("\n\nHuman:"),
};

/**
 * The text of Anthropic's HH-RLHF, https://github.com/anthropics/hh-rlhf: two
 * dialogues whose common turns are the prompt. The text of a turn is kept as it
 * is after the mark and its space.
 */
export const hhRlhf: Format = format({
  name: "hh-rlhf",
  kind: "pairs",
  columns: { chosen: dialogue, rejected: dialogue },
  read: (row) =>
    chatOfTwo(row, [
      dialogueTurns(row, "chosen"),
      dialogueTurns(row, "rejected"),
    ]),
});

/**
 * HH-RLHF's dialogues beside the prompt that they begin with, which is taken
 * off.
 */
export const hhRlhfPrompt: Format = format({
  name: "hh-rlhf-prompt",
  kind: "pairs",
  columns: { prompt: dialogue, chosen: dialogue, rejected: dialogue },
  read(row) {
    const messages = turnsOf(row.fields.prompt as string);
    if (messages.at(-1)!.role === "assistant") messages.pop();
    const prompt = { field: "prompt", messages };
    checkAlternation(row, { ...prompt, last: "user" });
    return chat(row, prompt, [
      afterPrompt(row, "chosen", messages),
      afterPrompt(row, "rejected", messages),
    ]);
  },
});

function afterPrompt(
  row: SourceRow,
  field: string,
  prompt: readonly Message[],
): Turns {
  const { messages } = dialogueTurns(row, field);
  const begins = prompt.every(({ role, content }, i) =>
    role === messages[i]?.role && content.trim() === messages[i].content.trim()
  );
  if (begins && messages.length > prompt.length) {
    return { field, messages: messages.slice(prompt.length) };
  }
  const expected = 'a dialogue that begins with "prompt"';
  throw valueError(row, { field, actual: row.fields[field], expected });
}

function dialogueTurns(row: SourceRow, field: string): Turns {
  const messages = turnsOf(row.fields[field] as string);
  checkAlternation(row, { field, messages, last: "assistant" });
  return { field, messages };
}

/** The turns of a dialogue; a text without marks has none. */
export function turnsOf(dialogue: string): Message[] {
  // The part before the first mark is empty, see `dialogue`.
  const parts = dialogue.split(MARK).slice(1);
  const messages: Message[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const role = parts[i] === "Human" ? "user" : "assistant";
    messages.push({ role, content: parts[i + 1]! });
  }
  return messages;
}
