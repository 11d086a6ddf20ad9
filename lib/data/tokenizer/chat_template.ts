import type { Message } from "../messages.ts";
import { compileTemplate } from "./python_jinja.ts";
import { reasonOf } from "../../files/values.ts";
import type { Json } from "../../record/canonical_json.ts";

/** Inputs of a template besides special tokens and messages. */
export interface TemplateInputs {
  /** The name of the template. @default "tool_use" for tools, if there, else "default" */
  readonly templateName?: string | undefined;
  /** Definitions of tools. @default none */
  readonly tools?: readonly unknown[] | undefined;
  /** Texts to answer from. @default none */
  readonly documents?: readonly unknown[] | undefined;
  /** Other options of the template, such as `enable_thinking`. @default {} */
  readonly templateOptions?: Readonly<Record<string, Json>>;
  /** Time that the template takes for the present. @default the present */
  readonly now?: Date;
}

/** Options of rendering a conversation. */
export interface RenderOptions extends TemplateInputs {
  /** Whether the text ends with the prompt for the assistant's next turn. */
  readonly addGenerationPrompt: boolean;
  /**
   * Whether the content of a turn that only calls tools is none, rather than an
   * empty text. @default false
   */
  readonly withoutContent?: boolean;
}

/** A model's chat template: conversations in, text with its special tokens out. */
export interface ChatTemplate {
  /**
   * The text of a conversation.
   *
   * @throws the error that the template raises, or Error for invalid Jinja.
   */
  render(messages: readonly Message[], options: RenderOptions): string;
}

/**
 * Makes a chat template of the `chat_template` in a model folder: Jinja source,
 * or a list of named sources, of which the one that is asked for is used, else
 * `tool_use` where there are tools, else `default`, as in transformers. Templates see the variables that
 * transformers gives them, see `compileTemplate()`. A template that asks for the
 * date renders other text tomorrow.
 *
 * @param specialTokens `bos_token`, `eos_token` … with their text.
 * @param options `file`: where it is from, for errors.
 */
export function chatTemplate(
  source: unknown,
  specialTokens: Readonly<Record<string, string>>,
  { file }: { file?: string } = {},
): ChatTemplate {
  const what = file ? `the chat template of ${file}` : "the chat template";
  const sources = named(source, what);
  // Compiled when first used: token ids and plain text need none.
  const compiled = new Map<string, ReturnType<typeof compileTemplate>>();
  const find = (name: string) => {
    const source = sources.get(name);
    if (source === undefined) throw unknownName(name, sources);
    const template = compiled.get(name) ?? compileTemplate(source);
    compiled.set(name, template);
    return template;
  };
  return {
    render(messages, { now = new Date(), templateName, ...options }) {
      const hasTools = options.tools && sources.has("tool_use");
      const name = templateName ?? (hasTools ? "tool_use" : "default");
      const variables = variablesOf(messages, options);
      try {
        return find(name)({ ...specialTokens, ...variables }, now);
      } catch (cause) {
        throw new Error(`Cannot render ${what}: ${reasonOf(cause)}`, {
          cause,
        });
      }
    },
  };
}

function variablesOf(
  messages: readonly Message[],
  { addGenerationPrompt, withoutContent, tools, documents, templateOptions }:
    RenderOptions,
): Record<string, unknown> {
  const turns = messages.map(asTransformersHasIt);
  return {
    ...templateOptions,
    messages: withoutContent ? turns.map(withNone) : turns,
    tools: tools ?? null,
    documents: documents ?? null,
    "add_generation_prompt": addGenerationPrompt,
  };
}

/** Names of a message's thoughts; templates look for one of the first two. */
export const THOUGHTS: readonly string[] = [
  "reasoning_content",
  "thinking",
  "reasoning",
];

/** A message without fields that are null, and with thoughts under each known name. */
function asTransformersHasIt(message: Message): Record<string, unknown> {
  const filled = Object.fromEntries(
    Object.entries(message).filter(([, value]) => value !== null),
  );
  const thought = THOUGHTS.map((name) => filled[name]).find((text) =>
    text !== undefined
  );
  return thought === undefined
    ? filled
    : { thinking: thought, ...filled, reasoning_content: thought };
}

function withNone(message: Record<string, unknown>): Record<string, unknown> {
  return message.content === "" && message.tool_calls
    ? { ...message, content: null }
    : message;
}

function unknownName(
  name: string,
  sources: ReadonlyMap<string, string>,
): Error {
  return new Error(
    `there is none named "${name}", expected ${
      [...sources.keys()].join(" or ")
    }`,
  );
}

/** Sources by name. */
function named(source: unknown, what: string): ReadonlyMap<string, string> {
  if (typeof source === "string") return new Map([["default", source]]);
  const list: { name?: unknown; template?: unknown }[] = Array.isArray(source)
    ? source
    : [];
  const sources = new Map(
    list.flatMap(({ name, template }) =>
      typeof name === "string" && typeof template === "string"
        ? [[name, template]]
        : []
    ),
  );
  if (sources.size > 0) return sources;
  throw new Error(
    `Cannot use ${what}: expected its text, or a list of names and texts`,
  );
}
