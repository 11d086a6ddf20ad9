import type { SourceRow } from "../containers/reading.ts";
import type { DataKind } from "../example.ts";
import { isObject } from "../../files/values.ts";
import { type ColumnType, isEmpty } from "./column_types.ts";
import { type Format, format, NoPreference } from "./format.ts";
import {
  isUndecided,
  type Parts,
  READERS,
  sideOf,
  step,
  topOf,
} from "./mapped_rows.ts";

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
 * A row whose verdict is none of the values or missing, or whose scores are equal
 * or not both there, is a tie.
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
  const known = format({
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
  return {
    ...known,
    parse(row) {
      if (isUndecided(row, parts)) throw new NoPreference();
      return known.parse(row);
    },
  };
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
