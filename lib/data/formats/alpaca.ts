import type { Message } from "../messages.ts";
import { type SourceRow, valueError } from "../containers/reading.ts";
import { type Format, format, type RowContent } from "./format.ts";
import { label, list, text } from "./column_types.ts";
import { chat } from "./turns.ts";
import { readText } from "./values.ts";

/** Names of the columns of a file in LLaMA-Factory's alpaca layout. */
export interface AlpacaColumns {
  readonly prompt: string;
  readonly query: string | null;
  readonly response: string;
  readonly system: string | null;
  readonly tools: string | null;
  readonly history: string | null;
  readonly chosen: string;
  readonly rejected: string;
  readonly verdict: string;
}

const USUAL: AlpacaColumns = {
  prompt: "instruction",
  query: "input",
  response: "output",
  system: "system",
  tools: "tools",
  history: "history",
  chosen: "chosen",
  rejected: "rejected",
  verdict: "kto_tag",
};

/** Options of {@linkcode alpaca}. */
export interface AlpacaOptions {
  readonly kind: "pairs" | "labels";
  /** @default the usual names, every optional column looked for */
  readonly columns?: AlpacaColumns;
}

/**
 * LLaMA-Factory's alpaca layout with preferences: an instruction and perhaps
 * its input are what the user says after the history.
 * https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
 */
export function alpaca(
  name: string,
  { kind, columns = USUAL }: AlpacaOptions,
): Format {
  const { prompt, query, history, chosen, rejected, response } = columns;
  const answers = kind === "pairs" ? [chosen, rejected] : [response];
  return format({
    name,
    kind,
    columns: {
      [prompt]: text,
      ...Object.fromEntries(answers.map((answer) => [answer, text])),
      ...kind === "labels" ? { [columns.verdict]: label } : {},
    },
    optional: {
      ...query === null ? {} : { [query]: text },
      ...history === null ? {} : { [history]: list },
    },
    label: columns.verdict,
    system: columns.system,
    tools: columns.tools,
    read: (row) => read(row, columns, answers),
  });
}

/** The alpaca layout under its usual names. */
export const alpacaFormats: readonly Format[] = [
  alpaca("alpaca-pairs", { kind: "pairs" }),
  alpaca("alpaca-labels", { kind: "labels" }),
];

function read(
  row: SourceRow,
  { prompt, query, history }: AlpacaColumns,
  answers: readonly string[],
): RowContent {
  const parts = [prompt, query].map((field) => readText(row, field));
  const content = parts.filter((part) => part !== "").join("\n");
  if (content === "") {
    throw valueError(row, {
      field: prompt,
      actual: "",
      expected: "text to answer",
    });
  }
  const messages = [...earlier(row, history), { role: "user", content }];
  const completions = answers.map((field) => ({
    field,
    messages: [answer(readText(row, field))],
  }));
  return chat(row, { field: prompt, messages }, completions);
}

/** What was said before, as pairs of question and answer. */
function earlier(row: SourceRow, history: string | null): Message[] {
  if (history === null) return [];
  const rounds = row.fields[history] as unknown[] | null ?? [];
  return rounds.flatMap((actual, i) => {
    if (isRound(actual)) {
      return [{ role: "user", content: actual[0] }, answer(actual[1])];
    }
    const field = `${history}[${i}]`;
    throw valueError(row, { field, actual, expected: "[question, answer]" });
  });
}

function isRound(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 &&
    value.every((part) => typeof part === "string");
}

function answer(content: string): Message {
  return { role: "assistant", content };
}
