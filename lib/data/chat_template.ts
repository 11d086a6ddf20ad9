import { Template } from "@huggingface/jinja";
import type { Message } from "./messages.ts";

/** A model's chat template: conversations in, text with its special tokens out. */
export interface ChatTemplate {
  /**
   * @param options.addGenerationPrompt whether the text ends with what
   * introduces the assistant's next turn.
   * @throws what the template raises, or that it is not valid Jinja.
   */
  render(
    messages: readonly Message[],
    options: { addGenerationPrompt: boolean },
  ): string;
}

/**
 * Makes a chat template of what model folders keep under `chat_template`: its
 * Jinja source, or a list of named ones, of which `default` is taken, as
 * transformers does. Templates see what transformers gives them: the special
 * tokens by name, `tools` and `documents` (none), `raise_exception` and
 * `strftime_now`. A template that asks the date renders other text tomorrow.
 *
 * @param specialTokens `bos_token`, `eos_token` … with their text.
 */
export function chatTemplate(
  source: unknown,
  specialTokens: Readonly<Record<string, string>>,
): ChatTemplate {
  const text = defaultSource(source);
  // A template is compiled when first used: token ids and plain text need none.
  let template: Template | undefined;
  return {
    render(messages, { addGenerationPrompt }) {
      try {
        template ??= new Template(text);
        return template.render({
          ...specialTokens,
          messages,
          tools: null,
          documents: null,
          add_generation_prompt: addGenerationPrompt,
        });
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`Cannot render the chat template: ${reason}`, {
          cause,
        });
      }
    },
  };
}

function defaultSource(source: unknown): string {
  if (typeof source === "string") return source;
  const named: { name?: unknown; template?: unknown }[] = Array.isArray(source)
    ? source
    : [];
  const template = named.find(({ name }) => name === "default")?.template;
  if (typeof template === "string") return template;
  const names = named.map(({ name }) => name).join(", ") || "none";
  throw new Error(
    `Cannot use the chat template: expected its text, or a list with one named "default"; ` +
      `found the names ${names}`,
  );
}
