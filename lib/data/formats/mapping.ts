import { type SourceRow, valueError } from "../containers/reading.ts";
import type { DataKind } from "../example.ts";
import { isObject } from "../../files/values.ts";
import { readMessages } from "../messages.ts";
import {
  type ColumnType,
  isEmpty,
  isMissing,
  valueIn,
} from "./column_types.ts";
import {
  type Format,
  format,
  NoPreference,
  type RowContent,
} from "./format.ts";
import { turnsOf } from "./openai.ts";
import { chat, chatOfTwo, type Turns, withoutPrompt } from "./turns.ts";
import { readNumber } from "./values.ts";

/** Parts of a mapping, and what each names. */
const PARTS: Readonly<Record<string, string>> = {
  "prompt": "columns of the question, joined by +: text or messages",
  "system": "column of the system message",
  "chosen": "column of the better answer; if absent, the prompt ends with it",
  "rejected": "column of the worse answer",
  "a": "column of an answer",
  "b": "column of the other answer",
  "verdict": "column that says which of a and b is better",
  "a-wins": "its values where a is better, such as 1, x|y, <0",
  "b-wins": "its values where b is better",
  "a-score": "column of a's score, instead of a verdict: the higher wins",
  "b-score": "column of b's score",
  "answers": "column of a list of answers, best first",
  "scores": "column of their scores, if they do not stand best first",
  "ranks": "column of their ranks, where 1 is the best",
  "completion": "column of a labelled answer",
  "label": "column of its label",
  "desirable": "values of the label for desirable answers",
  "undesirable": "values of the label for undesirable answers",
};

/** Sets of parts that together make a format. */
const SHAPES: readonly { kind: DataKind; parts: readonly string[] }[] = [
  { kind: "ranks", parts: ["prompt", "answers"] },
  { kind: "pairs", parts: ["a", "b", "verdict", "a-wins", "b-wins"] },
  { kind: "pairs", parts: ["a", "b", "a-score", "b-score"] },
  { kind: "pairs", parts: ["prompt", "rejected"] },
  { kind: "pairs", parts: ["chosen", "rejected"] },
  {
    kind: "labels",
    parts: ["prompt", "completion", "label", "desirable", "undesirable"],
  },
];

/** Parts whose value is no column. */
const VALUES = new Set(["a-wins", "b-wins", "desirable", "undesirable"]);

/** How a mapping is written, for messages. */
export const MAPPING_HELP = '--format "prompt=COLUMN; chosen=COLUMN; ' +
  'rejected=COLUMN", or "prompt=COLUMN; a=COLUMN; b=COLUMN; verdict=COLUMN; ' +
  'a-wins=VALUE; b-wins=VALUE", or "prompt=COLUMN; answers=COLUMN; ' +
  'scores=COLUMN", reads other columns; `deno task data formats` lists all';

type Parts = ReadonlyMap<string, string>;

/** Lines that explain a mapping, a part each. */
export function mappingParts(): { part: string; names: string }[] {
  return Object.entries(PARTS).map(([part, names]) => ({ part, names }));
}

/**
 * A format of columns that a mapping names:
 * `prompt=history; a=human_ref_A; b=human_ref_B; verdict=labels; a-wins=1; b-wins=0`.
 * Its rows become conversations: text is a user's question, or the dialogue that
 * Anthropic's marks make of it, and the assistant's answer. `summaries.0.text`
 * names a value inside a column, and `answers.rank` one of each item of a list.
 * A row whose verdict is none of the values, or whose scores are equal, is a tie.
 *
 * @throws RangeError for a part that is not known, or missing.
 */
export function mappingFormat(mapping: string, name = mapping): Format {
  const parts = readParts(mapping);
  const shape = SHAPES.find((shape) =>
    shape.parts.every((part) => parts.has(part))
  );
  if (!shape) {
    throw new RangeError(
      `Cannot use format "${mapping}": expected the parts of a mapping, ` +
        SHAPES.map(({ parts }) => parts.join(", ")).join("; or "),
    );
  }
  const { kind } = shape;
  const label = parts.get("label");
  const system = parts.get("system");
  return format({
    name,
    kind,
    summary: mapping,
    columns: columnsOf(parts),
    ...label !== undefined && { label },
    ...system !== undefined && { system },
    reads: [...parts].flatMap(([part, paths]) =>
      VALUES.has(part) ? [] : paths.split("+").map(topOf)
    ),
    read: (row) => READERS[kind](row, parts),
    ...kind === "labels" && {
      readLabel: (row: SourceRow) =>
        sideOf(row, parts, ["desirable", "undesirable"]) === 0,
    },
  });
}

/** Whether a format's name is a mapping. */
export function isMapping(name: string): boolean {
  return name.includes("=");
}

function readParts(mapping: string): Parts {
  const parts = new Map<string, string>();
  for (const part of mapping.split(/[;,]/)) {
    const [, key, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
    if (key === undefined || !value || !Object.hasOwn(PARTS, key)) {
      throw new RangeError(
        `Cannot use format "${mapping}": expected ` +
          `PART=COLUMN; … with the parts ${Object.keys(PARTS).join(", ")}, ` +
          `found "${part.trim()}"`,
      );
    }
    parts.set(key, value);
  }
  return parts;
}

function topOf(path: string): string {
  return path.trim().split(".")[0]!;
}

/** The types of a mapping's columns, by the parts that they stand for. */
function columnsOf(parts: Parts): Record<string, ColumnType> {
  const columns: Record<string, ColumnType> = {};
  for (const [part, paths] of parts) {
    if (VALUES.has(part) || part === "system") continue;
    // Of several columns of a prompt only the first must be there.
    const all = paths.split("+").map((path) => path.trim());
    const top = topOf(all[0]!);
    const types = all.filter((path) => topOf(path) === top)
      .map((path) => typeOf(part, path));
    const before = columns[top];
    columns[top] = {
      ...types[0]!,
      holds: (value) =>
        (before?.holds(value) ?? true) &&
        types.some((type) => type.holds(value)),
    };
  }
  return columns;
}

const LISTS = new Set(["answers", "scores", "ranks"]);
const NUMBERS = new Set(["a-score", "b-score"]);

function typeOf(part: string, path: string): ColumnType {
  const inside = path.split(".").slice(1);
  const at = (value: unknown) => inside.reduce<unknown>(step, value);
  if (LISTS.has(part)) {
    return {
      expected: "a list",
      holds: (value) => Array.isArray(at(value)),
      cell: "json",
    };
  }
  if (part === "verdict" || part === "label") {
    return { expected: "a verdict", holds: (value) => !isEmpty(at(value)) };
  }
  if (NUMBERS.has(part)) {
    return {
      expected: "a number",
      holds: (value) => typeof at(value) === "number",
      cell: "json",
    };
  }
  return {
    expected: "text or messages",
    holds: (value) => isSaid(at(value)),
    cell: inside.length > 0 ? "json" : "messages",
  };
}

function isSaid(value: unknown): boolean {
  return typeof value === "string" || isObject(value) ||
    Array.isArray(value) && value.length > 0;
}

/** The value inside another one: of a key, or of every item of a list. */
function step(value: unknown, key: string): unknown {
  if (Array.isArray(value)) {
    return /^\d+$/.test(key)
      ? value[Number(key)]
      : value.map((item) => step(item, key));
  }
  return isObject(value) ? value[key] : undefined;
}

function valueAt({ fields }: SourceRow, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  return path.split(".").reduce<unknown>(step, fields);
}

const READERS: Readonly<
  Record<DataKind, (row: SourceRow, parts: Parts) => RowContent>
> = { pairs: readPair, ranks: readRanks, labels: readLabelled };

function readPair(row: SourceRow, parts: Parts): RowContent {
  if (!parts.has("a")) {
    const rejected = parts.get("rejected")!;
    const chosen = parts.get("chosen");
    if (chosen !== undefined) return answered(row, parts, [chosen, rejected]);
    const { field, messages } = promptTurns(row, parts.get("prompt")!);
    const turns = { field, messages: messages.slice(0, -1) };
    return chat(row, turns, [
      { field, messages: messages.slice(-1) },
      answerTurns(row, rejected),
    ]);
  }
  const paths = ["a", "b"].map((part) => parts.get(part)!);
  const scores = ["a-score", "b-score"].map((part) => parts.get(part));
  if (scores[0] === undefined) {
    const winner = sideOf(row, parts, ["a-wins", "b-wins"]);
    return answered(row, parts, winner === 0 ? paths : paths.toReversed());
  }
  const [a, b] = scores.map((path) =>
    readNumber(row, path!, valueAt(row, path!))
  ) as [number, number];
  if (a === b) throw new NoPreference();
  return {
    ...answered(row, parts, a > b ? paths : paths.toReversed()),
    ratings: [Math.max(a, b), Math.min(a, b)],
  };
}

function readLabelled(row: SourceRow, parts: Parts): RowContent {
  return answered(row, parts, [parts.get("completion")!]);
}

/**
 * Which of two parts has the verdict among its values.
 *
 * @throws NoPreference where neither has.
 */
function sideOf(
  row: SourceRow,
  parts: Parts,
  sides: readonly [string, string],
): 0 | 1 {
  const path = (parts.get("verdict") ?? parts.get("label"))!;
  const verdict = valueAt(row, path);
  const [first, second] = sides.map((side) =>
    parts.get(side)!.split("|").some((value) => isVerdict(verdict, value))
  );
  if (first === second) throw new NoPreference();
  return first ? 0 : 1;
}

function isVerdict(actual: unknown, value: string): boolean {
  const [, sign, bound] = /^\s*([<>])\s*(-?[\d.]+)\s*$/.exec(value) ?? [];
  const text = String(actual).trim();
  if (text === "") return false;
  if (sign === "<") return Number(text) < Number(bound);
  if (sign === ">") return Number(text) > Number(bound);
  return text.toLowerCase() === value.trim().toLowerCase() ||
    Number(text) === Number(value.trim());
}

/** A conversation whose prompt is mapped, or is what its answers begin with. */
function answered(
  row: SourceRow,
  parts: Parts,
  paths: readonly string[],
): RowContent {
  const answers = paths.map((path) => answerTurns(row, path));
  const asked = parts.get("prompt");
  if (asked === undefined) {
    return chatOfTwo(row, answers as [Turns, Turns]);
  }
  const rounds = roundsOf(row, asked, paths);
  if (rounds !== null) return chatOfTwo(row, rounds);
  const prompt = promptTurns(row, asked);
  return chat(row, prompt, withoutPrompt(prompt, answers));
}

function readRanks(row: SourceRow, parts: Parts): RowContent {
  const field = parts.get("answers")!;
  const list = valueAt(row, field) as unknown[];
  if (list.length < 2) {
    const expected = "two or more answers";
    throw valueError(row, { field, actual: list, expected });
  }
  const points = pointsOf(row, parts, list.length);
  const all = list.map((_, i) => i);
  const order = points === null ? all : all.filter((i) => points[i] !== null)
    .sort((a, b) => points[b]! - points[a]!);
  const prompt = promptTurns(row, parts.get("prompt")!);
  const answers = order.map((i) => turnsFor(row, `${field}[${i}]`, list[i]));
  return {
    ...chat(row, prompt, withoutPrompt(prompt, answers)),
    ...points && { ratings: order.map((i) => points[i]!) },
    ...points?.includes(null) && { leftOut: [topOf(pointsField(parts)!)] },
  };
}

function pointsField(parts: Parts): string | undefined {
  return parts.get("ranks") ?? parts.get("scores");
}

/**
 * Points of each answer, the best most, `null` for one that has none; `null` for
 * all where they stand best first.
 *
 * @throws Error where fewer than two have any.
 */
function pointsOf(
  row: SourceRow,
  parts: Parts,
  length: number,
): (number | null)[] | null {
  const sign = parts.has("ranks") ? -1 : 1;
  const field = pointsField(parts);
  if (field === undefined) return null;
  const actual = valueAt(row, field);
  if (!Array.isArray(actual) || actual.length !== length) {
    const expected = `${length} numbers, one for each answer`;
    throw valueError(row, { field, actual, expected });
  }
  const areEnough = actual.filter((value) => !isMissing(value)).length > 1;
  return actual.map((value, i) =>
    areEnough && isMissing(value)
      ? null
      : sign * readNumber(row, `${field}[${i}]`, value)
  );
}

/** The question: texts are joined, messages stay as they are. */
function promptTurns(row: SourceRow, paths: string): Turns {
  const values = paths.split("+").map((path) => valueAt(row, path.trim()));
  const said = values.filter((value) => typeof value === "string");
  if (said.length === 0) return turnsFor(row, paths, values[0]);
  const content = said.filter((text) => text !== "").join("\n");
  if (!content.startsWith("\n\nHuman:")) {
    return { field: paths, messages: [{ role: "user", content }] };
  }
  const messages = turnsOf(content);
  if (messages.at(-1)!.content.trim() === "") messages.pop();
  return { field: paths, messages };
}

function answerTurns(row: SourceRow, path: string): Turns {
  return turnsFor(row, path, valueAt(row, path));
}

function turnsFor(row: SourceRow, field: string, value: unknown): Turns {
  const messages = typeof value === "string"
    ? [{ role: "assistant", content: value }]
    : readMessages(row, field, { value });
  return { field, messages };
}

/** Questions and answers of several rounds, which are lists of texts or their JSON. */
function roundsOf(
  row: SourceRow,
  asked: string,
  paths: readonly string[],
): [Turns, Turns] | null {
  const questions = textsOf(valueAt(row, asked));
  const answers = paths.map((path) => textsOf(valueAt(row, path)));
  if (questions === null || answers.length !== 2) return null;
  if (answers.some((list) => list?.length !== questions.length)) return null;
  const [first, second] = answers.map((list, k): Turns => ({
    field: paths[k]!,
    messages: questions.flatMap((content, i) => [
      { role: "user", content },
      { role: "assistant", content: list![i]! },
    ]),
  }));
  return [first!, second!];
}

function textsOf(value: unknown): string[] | null {
  const isJson = typeof value === "string" && /^\s*\[\s*"/.test(value);
  const list = isJson ? valueIn(value) : value;
  const isList = Array.isArray(list) && list.length > 0 &&
    list.every((item) => typeof item === "string");
  return isList ? list : null;
}
