import type { EncodeOptions } from "./encode_options.ts";
import { encodeRow } from "./encode_row.ts";
import type { Part } from "./left_out.ts";
import { type Message, readMessages } from "../messages.ts";
import { formatsBeside } from "../dataset_info.ts";
import { type Format, NoPreference, SYSTEMS } from "../formats/format.ts";
import { fittingFormat } from "../formats/registry.ts";
import { readRows } from "../containers/read_rows.ts";
import { type SourceRow, valueError } from "../containers/reading.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { refuseStandIn } from "../../files/stand_in.ts";
import { reasonOf } from "../../files/values.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** A prompt for a model to continue. */
export interface Prompt
  extends Pick<PreferenceRow, "tools" | "templateOptions"> {
  /** Text, or a conversation whose next turn is the assistant's. */
  readonly content: string | readonly Message[];
  /** File and line or row, for messages. */
  readonly location: string;
  /**
   * Whether it is text to continue whatever the model is: training gives no
   * template to the text of such a row. @default false
   */
  readonly plain?: boolean;
}

/**
 * Reads prompts: the lines of a `.txt` file except blank ones, else rows of
 * data. Rows for training have the prompt that training sees, by the format of a
 * `dataset_info.json` beside the file or by their columns; ties have none. Other
 * rows have `prompt` (text or messages) or `messages`, without the assistant's
 * answer at their end, and perhaps a system message; other columns are ignored.
 *
 * @throws an error that names the file, and the row or line if it is one.
 */
export async function readPrompts(path: string): Promise<Prompt[]> {
  if (!path.endsWith(".txt")) return await rowPrompts(path);
  const prompts = (await readText(path)).split(/\r?\n/)
    .map((content, i) => ({ content, location: `${path}, line ${i + 1}` }))
    .filter(({ content }) => content.trim() !== "");
  if (prompts.length > 0) return prompts;
  throw new Error(`Cannot use ${path}: expected lines of text, found none`);
}

/** Options for putting a prompt to a model. */
export interface Asking {
  /** Whether text is a user's message, rather than text to continue. */
  readonly chat: boolean;
  /** The system message of conversations that have none. */
  readonly system?: string | undefined;
}

/** The text that a model continues, or the conversation that it answers. */
export function askedOf(
  { content, plain = false }: Prompt,
  { chat, system }: Asking,
): Prompt["content"] {
  if (typeof content === "string" && (plain || !chat)) return content;
  const turns = typeof content === "string"
    ? [{ role: "user", content }]
    : content;
  return system === undefined || turns[0]?.role === "system"
    ? turns
    : [{ role: "system", content: system }, ...turns];
}

/**
 * Token ids of a prompt, as `encodeRow()` makes them.
 *
 * @param options.onLeftOut takes each part of the prompt that the chat template
 * leaves out.
 * @throws an error that names file and row.
 */
export function encodePrompt(
  prompt: Prompt,
  tokenizer: Tokenizer,
  { chat, system, onLeftOut, ...options }:
    & Asking
    & Pick<EncodeOptions, "templateName" | "templateOptions">
    & { readonly onLeftOut?: (part: Part) => void },
): readonly number[] {
  const { content: _, plain: __, ...rest } = prompt;
  const asked = askedOf(prompt, { chat, system });
  const row: PreferenceRow = typeof asked === "string"
    ? { form: "text", prompt: asked, completions: [], ...rest }
    : { form: "chat", prompt: [...asked], completions: [], ...rest };
  const { prompt: ids, leftOut = [] } = encodeRow(row, tokenizer, options);
  for (const part of leftOut) onLeftOut?.(part);
  return ids;
}

async function rowPrompts(path: string): Promise<Prompt[]> {
  const stated = await formatsBeside()(path);
  const formatOf = formatFinder();
  return (await readRows(path)).flatMap((row) => {
    const format = stated ?? formatOf(row);
    return format === null ? [promptOf(row)] : trainingPrompt(row, format);
  });
}

/** Finds the format of rows for training, once for rows with equal columns. */
function formatFinder(): (row: SourceRow) => Format | null {
  const found = new Map<string, Format | null>();
  return (row) => {
    const columns = Object.keys(row.fields).join("\0");
    const before = found.get(columns);
    if (before?.faults(row).length === 0) return before;
    const format = fittingFormat(row);
    found.set(columns, format);
    return format;
  };
}

/** The prompt that training sees; none of a tie. */
function trainingPrompt(source: SourceRow, format: Format): Prompt[] {
  try {
    const row = format.parse(source);
    if (row.form === "ids") throw idsError(source);
    const { prompt: content, location, tools, templateOptions } = row;
    return [{
      content,
      location,
      ...row.form === "text" && { plain: true },
      ...tools && { tools },
      ...templateOptions && { templateOptions },
    }];
  } catch (error) {
    if (error instanceof NoPreference) return [];
    throw error;
  }
}

/** Training reads token ids, whatever text stands beside them. */
function idsError(row: SourceRow): Error {
  return valueError(row, {
    field: "prompt_ids",
    actual: row.fields["prompt_ids"],
    expected: 'prompts as text: "prompt" or "messages", without token ids',
  });
}

/** A prompt of a row that is not for training, with its system message. */
function promptOf(row: SourceRow): Prompt {
  const prompt = promptAlone(row);
  const { content } = prompt;
  const system = SYSTEMS.map((name) => row.fields[name])
    .find((value) => typeof value === "string" && value.trim() !== "");
  const asked = typeof system === "string"
    ? askedOf(prompt, { chat: true, system })
    : content;
  return { ...prompt, content: asked };
}

function promptAlone(row: SourceRow): Prompt {
  const { location, fields: { prompt, messages } } = row;
  if (typeof prompt === "string") return { content: prompt, location };
  if ((prompt ?? null) !== null) {
    return { content: readMessages(row, "prompt"), location };
  }
  if ((messages ?? null) === null) {
    throw valueError(row, {
      field: "prompt",
      actual: prompt,
      expected: 'text or messages, or "messages" instead',
    });
  }
  const turns = readMessages(row, "messages");
  const answered = turns.at(-1)!.role === "assistant";
  return { content: answered ? turns.slice(0, -1) : turns, location };
}

async function readText(path: string): Promise<string> {
  try {
    await refuseStandIn(path);
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}
