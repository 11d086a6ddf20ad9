import { readMessages } from "../messages.ts";
import { type Format, format } from "./format.ts";
import { type Form, messages } from "./forms.ts";
import { chat } from "./turns.ts";
import { readTools } from "./values.ts";
import { isObject } from "../../is_object.ts";

const input: Form = {
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
    const turns = (at: string, options = {}) => ({
      at,
      messages: readMessages(row, at, options),
    });
    return {
      ...chat(row, {
        prompt: turns("input.messages", { value: messages }),
        completions: [turns("preferred_output"), turns("non_preferred_output")],
      }),
      ...readTools(row, { at: "input.tools", value: tools, form: "chat" }),
    };
  },
});
