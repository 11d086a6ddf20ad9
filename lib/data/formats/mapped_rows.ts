import { shown, type SourceRow, valueError } from "../containers/reading.ts";
import type { DataKind } from "../example.ts";
import { isObject } from "../../files/values.ts";
import { readMessages } from "../messages.ts";
import { isMissing, valueIn } from "./column_types.ts";
import { NoPreference, type RowContent } from "./format.ts";
import { turnsOf } from "./openai.ts";
import { chat, chatOfTwo, type Turns, withoutPrompt } from "./turns.ts";
import { readNumber } from "./values.ts";

/** What each part of a mapping names. */
export type Parts = ReadonlyMap<string, string>;

/** The column of a path inside it. */
export function topOf(path: string): string {
  return path.trim().split(".")[0]!;
}

/** The value inside another one: of a key, or of every item of a list. */
export function step(value: unknown, key: string): unknown {
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

/** Whether a row has nothing where the verdict on its answers stands, or a score. */
export function isUndecided(row: SourceRow, parts: Parts): boolean {
  return ["verdict", "a-score", "b-score"].some((part) => {
    const path = parts.get(part);
    return path !== undefined && topOf(path) in row.fields &&
      isMissing(valueAt(row, path));
  });
}

/** Reads the content of a row by its mapping, for each kind. */
export const READERS: Readonly<
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
export function sideOf(
  row: SourceRow,
  parts: Parts,
  sides: readonly [string, string],
): 0 | 1 {
  const path = (parts.get("verdict") ?? parts.get("label"))!;
  const verdict = valueAt(row, path);
  const [first, second] = sides.map((side) =>
    parts.get(side)!.split("|").some((value) => isVerdict(verdict, value))
  );
  if (first === second) throw new NoPreference(`${path} ${shown(verdict)}`);
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
