import type { TemplateInputs } from "../tokenizer/chat_template.ts";
import type { Score } from "./split_conversation.ts";
import type { Boundary } from "./tokenize_spans.ts";

/** Readings of a special token that is written out in contents. */
export const SPECIALS = ["text", "token"] as const;
/** One of {@linkcode SPECIALS}. */
export type Specials = typeof SPECIALS[number];

/** Options for `encodeRow()`. */
export interface EncodeOptions extends Omit<TemplateInputs, "tools"> {
  /**
   * Policy for a row whose ids of prompt and completion together do not begin
   * with those of the prompt (`"is "` + `"so"` has the token `" so"`).
   * `separate` takes the ids of each apart, as they meet when a model continues
   * a prompt. `shift` takes those of both together: the prompt loses its
   * last tokens, for all completions of the row, and the merged ones are
   * scored. `drop` and `error` refuse the row.
   *
   * @default "separate"
   */
  readonly boundary?: Boundary;
  /**
   * Whether plain text is put through the chat template, a prompt as a message
   * of the user and completions as answers of the assistant. Without, text is
   * continued as it stands.
   *
   * @default false
   */
  readonly template?: boolean;
  /**
   * Turns of the assistant to score: those of the `completion`, its `last` one
   * alone, or `all-turns`, which are those of the prompt too, except a turn that
   * has nothing before it.
   *
   * @default "completion"
   */
  readonly score?: Score;
  /**
   * Whether a special token that is written out, `<|im_end|>`, stays text or
   * becomes the token. By default messages are data, and only the template
   * writes tokens; text without a template may have them written out.
   *
   * @default "text" for messages, "token" for text
   */
  readonly specials?: Specials;
}
