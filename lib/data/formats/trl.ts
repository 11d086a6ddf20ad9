import { type SourceRow, valueError } from "../containers/reading.ts";
import { type Format, format, type RowContent } from "./format.ts";
import { conversations, label, messages, text, texts } from "./column_types.ts";
import { ranking } from "./values.ts";
import {
  chat,
  chatOfOne,
  chatOfTwo,
  readTurns,
  withoutPrompt,
} from "./turns.ts";

const PAIR = ["chosen", "rejected"] as const;

/**
 * TRL's layouts, https://huggingface.co/docs/trl/dataset_formats. Its implicit
 * prompts are read from messages only: two texts do not tell where their prompt
 * ends. Layouts of messages come first, since messages are text in a table.
 */
export const trlPairs: readonly Format[] = [
  format({
    name: "trl-pairs-chat",
    kind: "pairs",
    columns: { prompt: messages, chosen: messages, rejected: messages },
    read: (row) => chatted(row, PAIR),
  }),
  // The Zephyr recipe's: the text repeats a message of the conversations.
  format({
    name: "zephyr",
    kind: "pairs",
    columns: { prompt: text, chosen: messages, rejected: messages },
    read: repeatedPrompt,
  }),
  format({
    name: "trl-pairs-implicit",
    kind: "pairs",
    columns: { chosen: messages, rejected: messages },
    read: commonPrompt,
  }),
  format({
    name: "trl-pairs",
    kind: "pairs",
    columns: { prompt: text, chosen: text, rejected: text },
    read: (row) => texted(row, PAIR.map((name) => row.fields[name])),
  }),
];

/** TRL's unpaired layouts, and conversations whose last answer is labelled. */
export const trlLabels: readonly Format[] = [
  format({
    name: "trl-labels-chat",
    kind: "labels",
    columns: { prompt: messages, completion: messages, label },
    read: (row) => chatted(row, ["completion"]),
  }),
  format({
    name: "messages-labels",
    kind: "labels",
    columns: { messages, label },
    read: (row) => chatOfOne(row, readTurns(row, "messages")),
  }),
  format({
    name: "trl-labels",
    kind: "labels",
    columns: { prompt: text, completion: text, label },
    read: (row) => texted(row, [row.fields.completion]),
  }),
];

/** Lists from best to worst. */
export const ranks: readonly Format[] = [
  format({
    name: "ranks-chat",
    kind: "ranks",
    columns: { prompt: messages, completions: conversations },
    reads: ["scores"],
    read(row) {
      const { items, ratings } = ranking(row, "completions");
      const prompt = readTurns(row, "prompt");
      const completions = items.map((value, i) =>
        readTurns(row, `completions[${i}]`, { value })
      );
      return {
        ...chat(row, prompt, withoutPrompt(prompt, completions)),
        ...ratings,
      };
    },
  }),
  format({
    name: "ranks",
    kind: "ranks",
    columns: { prompt: text, completions: texts },
    reads: ["scores"],
    read(row) {
      const { items, ratings } = ranking(row, "completions");
      return { ...texted(row, items), ...ratings };
    },
  }),
];

/** Takes values that the format has checked to be texts. */
function texted(
  { fields }: SourceRow,
  completions: readonly unknown[],
): RowContent {
  return {
    form: "text",
    prompt: fields.prompt as string,
    completions: completions as string[],
  };
}

function chatted(row: SourceRow, completions: readonly string[]): RowContent {
  const prompt = readTurns(row, "prompt");
  const answers = completions.map((field) => readTurns(row, field));
  return chat(row, prompt, withoutPrompt(prompt, answers));
}

function commonPrompt(row: SourceRow) {
  return chatOfTwo(row, [
    readTurns(row, "chosen"),
    readTurns(row, "rejected"),
  ]);
}

/** Takes the prompt from the conversations, as TRL does. */
function repeatedPrompt(row: SourceRow): RowContent {
  const reading = commonPrompt(row);
  const actual = row.fields.prompt as string;
  const said = reading.prompt.some(({ content }) =>
    content.trim() === actual.trim()
  );
  if (said) return reading;
  const expected = 'a message that "chosen" and "rejected" begin with ' +
    '(format trl-pairs-implicit passes "prompt" over)';
  throw valueError(row, { field: "prompt", actual, expected });
}
