import { type SourceRow, valueError } from "../containers/reading.ts";
import type { Message, MessageTags } from "../messages.ts";
import { label, list, messages, text } from "./column_types.ts";
import { type Format, format, type RowContent } from "./format.ts";
import {
  chat,
  chatOfOne,
  chatOfTwo,
  checkAlternation,
  readTurns,
  type Turns,
} from "./turns.ts";
import { readText } from "./values.ts";

/**
 * Names of the columns in LLaMA-Factory's layouts; `null` for an optional
 * column that is not read.
 * https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
 */
export interface Columns {
  /** The instruction, in the alpaca layout. */
  readonly prompt: string;
  /** The instruction's input, in the alpaca layout. */
  readonly query: string | null;
  /** A labelled answer, in the alpaca layout. */
  readonly response: string;
  /** Earlier questions and answers, in the alpaca layout. */
  readonly history: string | null;
  /** The conversation, in the sharegpt layout. */
  readonly messages: string;
  readonly system: string | null;
  readonly tools: string | null;
  readonly chosen: string;
  readonly rejected: string;
  /** The label, `kto_tag`. */
  readonly verdict: string;
}

const CANONICAL: Columns = {
  prompt: "instruction",
  query: "input",
  response: "output",
  history: "history",
  messages: "conversations",
  system: "system",
  tools: "tools",
  chosen: "chosen",
  rejected: "rejected",
  verdict: "kto_tag",
};

/** Options of {@linkcode alpaca} and {@linkcode sharegpt}. */
export interface LayoutOptions {
  readonly kind: "pairs" | "labels";
  /** @default the canonical names, every optional column read */
  readonly columns?: Columns;
}

/**
 * LLaMA-Factory's alpaca layout with preferences: the user says, after the
 * history, an instruction and perhaps its input.
 */
export function alpaca(
  name: string,
  { kind, columns = CANONICAL }: LayoutOptions,
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
    ...columns !== CANONICAL && { system: columns.system },
    tools: columns.tools,
    read: (row) => readAlpaca(row, columns, answers),
  });
}

function readAlpaca(
  row: SourceRow,
  { prompt: field, query, history }: Columns,
  answers: readonly string[],
): RowContent {
  const content = [field, query].map((name) => readText(row, name))
    .filter((part) => part !== "").join("\n");
  if (content === "") {
    throw valueError(row, { field, actual: "", expected: "text to answer" });
  }
  const messages = [...earlierTurns(row, history), { role: "user", content }];
  const completions = answers.map((field) => ({
    field,
    messages: [answer(readText(row, field))],
  }));
  return chat(row, { field, messages }, completions);
}

/** The turns of a history, which is a list of pairs of question and answer. */
function earlierTurns(row: SourceRow, history: string | null): Message[] {
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

/**
 * LLaMA-Factory's sharegpt layout with preferences: a conversation in which
 * user (or tool) and assistant take turns, and either two versions of its next
 * message or a label of its last one. A row whose speakers do not take turns is
 * an error here, where LLaMA-Factory leaves it out.
 *
 * @param options `tags`: how messages are written; `{ from, value }` or
 * `{ role, content }`, with every role, unless given.
 */
export function sharegpt(
  name: string,
  { kind, columns = CANONICAL, tags }: LayoutOptions & { tags?: MessageTags },
): Format {
  const { messages: turns, chosen, rejected, verdict, tools } = columns;
  const read = (row: SourceRow, field: string) =>
    readTurns(row, field, { tags });
  const shared = {
    name,
    kind,
    label: verdict,
    ...columns !== CANONICAL && { system: columns.system },
    tools,
  };
  if (kind === "labels") {
    return format({
      ...shared,
      columns: { [turns]: messages, [verdict]: label },
      read(row) {
        const conversation = read(row, turns);
        checkAlternation(row, { ...conversation, last: "assistant" });
        return chatOfOne(row, conversation);
      },
    });
  }
  return format({
    ...shared,
    columns: { [turns]: messages, [chosen]: messages, [rejected]: messages },
    read(row) {
      const prompt = read(row, turns);
      checkAlternation(row, { ...prompt, last: "user" });
      return chat(row, prompt, [read(row, chosen), read(row, rejected)]);
    },
  });
}

/**
 * LLaMA-Factory's newer layout of pairs: two conversations, in which each
 * message may have a `loss_weight`.
 */
export const llamafactoryV1: Format = format({
  name: "llamafactory-v1",
  kind: "pairs",
  columns: { chosen_messages: messages, rejected_messages: messages },
  read(row) {
    const chosen = readTurns(row, "chosen_messages");
    const rejected = readTurns(row, "rejected_messages");
    const content = chatOfTwo(row, [
      withoutWeights(chosen),
      withoutWeights(rejected),
    ]);
    const shared = content.prompt.length;
    for (const conversation of [chosen, rejected]) {
      checkWeights(row, { ...conversation, shared });
    }
    return content;
  },
});

function withoutWeights({ field, messages }: Turns): Turns {
  const plain = messages.map(({ loss_weight: _, role, content, ...rest }) => ({
    ...rest,
    role,
    content,
  }));
  return { field, messages: plain };
}

/** Refuses weights that do not score a completion's answers and nothing else. */
function checkWeights(
  row: SourceRow,
  { field, messages, shared }: Turns & { shared: number },
): void {
  for (const [i, { role, loss_weight: actual }] of messages.entries()) {
    const expected = role === "assistant" ? 1 : 0;
    if (i < shared || actual === undefined || actual === expected) continue;
    throw valueError(row, {
      field: `${field}[${i}].loss_weight`,
      actual,
      expected: `${expected} for the role ${role}`,
    });
  }
}

/** The alpaca and the sharegpt layout under their canonical names. */
export const alpacaFormats: readonly Format[] = [
  alpaca("alpaca-pairs", { kind: "pairs" }),
  alpaca("alpaca-labels", { kind: "labels" }),
];
export const sharegptFormats: readonly Format[] = [
  sharegpt("sharegpt-pairs", { kind: "pairs" }),
  sharegpt("sharegpt-labels", { kind: "labels" }),
];
