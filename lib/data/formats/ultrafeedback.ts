import {
  type SourceRow,
  unreadable,
  valueError,
} from "../containers/reading.ts";
import type { Message } from "../messages.ts";
import { type Format, format, type RowContent } from "./format.ts";
import { type ColumnType, isMissing } from "./column_types.ts";
import { atLeastTwo, readNumber } from "./values.ts";
import { chat, readTurns, type Turns } from "./turns.ts";
import { isDeepStrictEqual } from "node:util";
import { isObject } from "../../files/values.ts";

const question: ColumnType = {
  expected: "text or messages",
  holds: (value) => typeof value === "string" || Array.isArray(value),
};

/**
 * UltraFeedback's layout, https://huggingface.co/datasets/openbmb/UltraFeedback:
 * an instruction and scored responses, which become a list from best to worst.
 * Ties stay in the order of the file, as equal neighbours in `scores`. A file
 * with several scores is ranked by the first of these, unless the format is
 * stated.
 */
export const ultrafeedbackFormats: readonly Format[] = [
  scored("ultrafeedback", "overall_score"),
  scored("ultrafeedback-fine-grained", "fine-grained_score"),
  scored("ultrafeedback-score", "score"),
];

function scored(name: string, score: string): Format {
  return format({
    name,
    kind: "ranks",
    columns: { completions: responses(score) },
    optional: { instruction: question, prompt: question },
    read: (row) => read(row, score),
  });
}

function responses(score: string): ColumnType {
  return {
    expected: `objects with response and ${score}`,
    holds: (value) =>
      Array.isArray(value) && value.every(isObject) &&
      value.some((item) => (item[score] ?? null) !== null),
    cell: "json",
  };
}

function read(row: SourceRow, score: string): RowContent {
  const items = atLeastTwo(row, "completions");
  const left = items.filter((item) => !isMissing(Object(item)[score]));
  const scored = items.flatMap((item, i) => {
    const field = `completions[${i}]`;
    const { response, [score]: points } = item as Record<string, unknown>;
    if (isMissing(points) && left.length > 1) return [];
    return [{
      turns: { field, messages: [answer(row, `${field}.response`, response)] },
      score: readNumber(row, `${field}.${score}`, points),
    }];
  });
  // The sort is stable.
  scored.sort((a, b) => b.score - a.score);
  return {
    ...chat(row, prompt(row), scored.map(({ turns }) => turns)),
    ratings: scored.map(({ score }) => score),
    ...scored.length < items.length && { leftOut: ["completions"] },
  };
}

function answer(row: SourceRow, field: string, content: unknown): Message {
  if (typeof content === "string") return { role: "assistant", content };
  throw valueError(row, { field, actual: content, expected: "text" });
}

function prompt(row: SourceRow): Turns {
  const field = (row.fields.instruction ?? null) === null
    ? "prompt"
    : "instruction";
  const { [field]: content = null, prompt = null } = row.fields;
  if (prompt !== null && !isDeepStrictEqual(prompt, content)) {
    const expected = 'the same as "instruction", or absent';
    throw valueError(row, { field: "prompt", actual: prompt, expected });
  }
  if (content === null) {
    throw unreadable(row.location, 'no "instruction"; expected it or "prompt"');
  }
  return typeof content === "string"
    ? { field, messages: [{ role: "user", content }] }
    : readTurns(row, field);
}
