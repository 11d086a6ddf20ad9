import { isObject } from "../../files/values.ts";
import { type Message, spelledArguments } from "../messages.ts";
import { jsonOf } from "../tokenizer/jinja/text.ts";
import { valueOf } from "../tokenizer/jinja/values.ts";
import type { ChatContent } from "./chat_texts.ts";

/** A form in which a template may take calls and tools. */
export interface ToolForm {
  readonly content: ChatContent;
  /** Whether turns that only call tools have no content, rather than an empty one. */
  readonly withoutContent: boolean;
  /** Whether it is the form that templates are documented to take. */
  readonly isUsual: boolean;
}

/**
 * The forms of a row's calls and tools that templates may take. Each has the
 * same meaning: names and arguments by themselves or in a `function`, arguments
 * as an object or as its JSON, no content or an empty one. A template knows some
 * of them, and fails or leaves the calls out for others.
 */
export function* toolForms(content: ChatContent): Generator<ToolForm> {
  const turns = [content.prompt, ...content.completions].flat();
  const calls = turns.flatMap(callsOf);
  const isBare = [...calls, ...content.tools ?? []].some(isUnwrapped);
  yield { content, withoutContent: false, isUsual: !isBare };
  const usual = isBare ? wrap(content) : content;
  if (isBare) yield { content: usual, withoutContent: false, isUsual: true };
  if (calls.length === 0) return;
  const spelled = spellArguments(usual);
  yield { content: spelled, withoutContent: false, isUsual: false };
  yield { content: usual, withoutContent: true, isUsual: false };
  yield { content: spelled, withoutContent: true, isUsual: false };
}

/** Whether arguments that are JSON stand in a text as they are. */
export function keepsArguments(
  { content: { prompt, completions } }: ToolForm,
  text: string,
): boolean {
  const calls = [prompt, ...completions].flat().flatMap(callsOf);
  return calls.filter(isObject).every(({ function: called, ...call }) => {
    const { arguments: given } = isObject(called) ? called : call;
    return typeof given !== "string" || text.includes(given);
  });
}

function callsOf({ tool_calls: calls }: Message): readonly unknown[] {
  return Array.isArray(calls) ? calls : [];
}

function isUnwrapped(definition: unknown): boolean {
  return isObject(definition) && "name" in definition;
}

function wrap(content: ChatContent): ChatContent {
  const { tools } = content;
  return {
    ...mapCalls(content, wrapped),
    ...tools && { tools: tools.map(wrapped) },
  };
}

/** `{ type: "function", function: { name, … } }` of `{ name, … }` */
function wrapped(definition: unknown): unknown {
  if (!isObject(definition) || !isUnwrapped(definition)) return definition;
  const { id, type: _, ...called } = definition;
  return { ...id !== undefined && { id }, type: "function", function: called };
}

function spellArguments(content: ChatContent): ChatContent {
  const spell = (call: unknown): unknown => {
    if (!isObject(call)) return call;
    if (isObject(call.function)) {
      return { ...call, function: spell(call.function) };
    }
    const { arguments: given } = call;
    return isObject(given)
      ? { ...call, arguments: spelledArguments(given) ?? pythonJson(given) }
      : call;
  };
  return mapCalls(content, spell);
}

function pythonJson(value: unknown): string {
  return jsonOf(valueOf(value), {
    ensureAscii: false,
    indent: null,
    separators: [", ", ": "],
    sortKeys: false,
  });
}

function mapCalls(
  { prompt, completions, tools }: ChatContent,
  change: (call: unknown) => unknown,
): ChatContent {
  const messages = (turns: readonly Message[]) =>
    turns.map((turn) =>
      Array.isArray(turn.tool_calls)
        ? { ...turn, tool_calls: turn.tool_calls.map(change) }
        : turn
    );
  return {
    prompt: messages(prompt),
    completions: completions.map(messages),
    ...tools && { tools },
  };
}
