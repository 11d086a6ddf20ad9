import { unmarked } from "../tokenizer/added_tokens.ts";
import type {
  ChatTemplate,
  TemplateInputs,
} from "../tokenizer/chat_template.ts";
import type { Message } from "../messages.ts";
import type { PreferenceRow } from "../preference_row.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatContent } from "./chat_texts.ts";
import type { EncodeOptions } from "./encode_options.ts";
import { LEFT_OUT, LeftOutFinder, type Part } from "./left_out.ts";
import { findSpecials, splitMarked } from "./special_marks.ts";
import { splitConversation, type SplitRow } from "./split_conversation.ts";
import { type EncodedRow, tokenizeSpans } from "./tokenize_spans.ts";
import { keepsArguments, type ToolForm, toolForms } from "./tool_forms.ts";

type ChatRow = Extract<PreferenceRow, { form: "chat" }>;
type Options = EncodeOptions & { readonly leftOut?: LeftOutFinder };

/**
 * Tokenizes a conversation, see `encodeRow()`.
 *
 * @throws Error where there is no template, where it refuses the row, or where it
 * leaves out all that a completion says.
 */
export function encodeChat(
  row: ChatRow,
  tokenizer: Tokenizer,
  options: Options,
): EncodedRow {
  const { boundary = "separate" } = options;
  const { spans, special, leftOut } = writeRow(row, tokenizer, options);
  // The template writes BOS itself.
  const joined = tokenizeSpans(spans, { tokenizer, boundary });
  const silent = row.completions.map(saysNothing);
  return {
    ...joined,
    completions: joined.completions.map((ids, i) => silent[i] ? [] : ids),
    ...joined.lossMask &&
      { lossMask: joined.lossMask.map((mask, i) => silent[i] ? [] : mask) },
    ...special !== undefined && { specialInText: special },
    ...leftOut.length > 0 && { leftOut },
  };
}

/** A row as its template writes it. */
interface WrittenRow {
  readonly spans: SplitRow;
  /** The first special token in its texts. */
  readonly special?: string | undefined;
  /** Parts that the template leaves out. */
  readonly leftOut: readonly Part[];
  /** Index of a completion of which it leaves everything out; -1 for none. */
  readonly vanished: number;
}

/** Writes the row in the form of which the template leaves out the least. */
function writeRow(
  row: ChatRow,
  tokenizer: Tokenizer,
  options: Options,
): WrittenRow {
  const { prompt, completions, tools } = row;
  const writer = new Writer(row, tokenizer, options);
  let failure: Error | undefined;
  let best: WrittenRow | undefined;
  const forms = toolForms({ prompt, completions, ...tools && { tools } });
  for (const form of forms) {
    try {
      const written = writer.write(form);
      // A template for objects would write their text as a quoted string.
      if (isLoss(failure) && !keepsArguments(form, textOf(written))) continue;
      if (!best || missing(written) < missing(best)) best = written;
      if (missing(written) === 0) break;
    } catch (error) {
      if (form.isUsual) failure = error as Error;
    }
  }
  if (best === undefined) throw failure;
  if (best.vanished === -1) return best;
  const parts = best.leftOut.map((part) => LEFT_OUT[part]).join(", ");
  throw new Error(
    `the chat template leaves out all that completion ${best.vanished + 1} ` +
      `says (${parts})`,
  );
}

/** Whether a template failed at a value that was not read as it was written. */
function isLoss(failure: Error | undefined): boolean {
  return failure?.cause instanceof RangeError;
}

/** The prompt and every completion. */
function textOf({ spans: { prompt, completions } }: WrittenRow): string {
  return unmarked(prompt + completions.flat().map(({ text }) => text).join(""));
}

/** Number of the parts left out that depend on the form of calls and tools. */
function missing({ leftOut }: WrittenRow): number {
  return leftOut
    .filter((part) => part === "callsDropped" || part === "toolsDropped")
    .length;
}

/** Writes forms of a row with a template. */
class Writer {
  readonly #template: ChatTemplate;
  readonly #inputs: TemplateInputs;

  constructor(
    { templateOptions }: ChatRow,
    private readonly tokenizer: Tokenizer,
    private readonly options: Options,
  ) {
    if (tokenizer.chatTemplate === null) {
      throw new Error(
        "messages need a chat template, and the model folder has none " +
          "(chat_template.jinja, or chat_template in tokenizer_config.json)",
      );
    }
    this.#template = tokenizer.chatTemplate;
    this.#inputs = {
      now: new Date(),
      ...options,
      templateOptions: { ...options.templateOptions, ...templateOptions },
    };
  }

  write(form: ToolForm): WrittenRow {
    const { tokenTexts: tokens } = this.tokenizer;
    const split = (content: ChatContent) => this.#split({ ...form, content });
    const { content } = form;
    const { spans, special } = this.options.specials === "token"
      ? { spans: split(content), ...findSpecials(content, tokens) }
      : splitMarked(content, { tokens, split });
    return { spans, special, ...this.#leftOut(form, spans) };
  }

  #split(form: ToolForm): SplitRow {
    const { score = "completion", boundary } = this.options;
    const { content: { prompt, completions } } = form;
    const { tokenTexts } = this.tokenizer;
    return splitConversation(prompt, completions, {
      render: (turns, addGenerationPrompt) =>
        this.#render(form, turns, addGenerationPrompt),
      outside: (text, at) => tokenTexts.outside(text, at),
      isBlank: (text) => tokenTexts.isBlank(text),
      score,
      shift: boundary === "shift",
    });
  }

  #leftOut(form: ToolForm, { prompt, completions }: SplitRow) {
    const { content } = form;
    const { leftOut: finder = new LeftOutFinder() } = this.options;
    const isPrompt = content.completions.length === 0;
    const found = conversations(content).map((turns, k) => {
      const spans = completions[k] ?? [];
      const text = prompt + spans.map(({ text }) => text).join("");
      return finder.find({
        turns,
        ...content.tools && { tools: content.tools },
        start: content.prompt.length,
        text: unmarked(text),
      }, ({ turns, tools }) =>
        this.#render(
          { ...form, content: { ...content, ...tools && { tools } } },
          turns,
          isPrompt,
        ));
    });
    return {
      leftOut: [...new Set(found.flatMap(({ parts }) => [...parts]))],
      vanished: found.findIndex(({ vanished }) => vanished),
    };
  }

  #render(
    { content: { tools }, withoutContent }: ToolForm,
    turns: readonly Message[],
    addGenerationPrompt: boolean,
  ): string {
    return this.#template.render(turns, {
      ...this.#inputs,
      addGenerationPrompt,
      tools,
      withoutContent,
    });
  }
}

/** Each completion with its prompt; the prompt alone where there is none. */
function conversations(
  { prompt, completions }: ChatContent,
): (readonly Message[])[] {
  return completions.length === 0
    ? [prompt]
    : completions.map((answer) => [...prompt, ...answer]);
}

function saysNothing(messages: readonly Message[]): boolean {
  return messages.every(({ role, content, tool_calls }) =>
    role !== "assistant" || (content === "" && !tool_calls)
  );
}
