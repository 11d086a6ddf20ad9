import type { DataKind } from "../example.ts";
import type { Content, PreferenceRow } from "../preference_row.ts";
import { type SourceRow, valueError } from "../containers/reading.ts";
import { isObject } from "../../files/values.ts";
import { withoutNulls } from "../messages.ts";
import { isEmpty, isMissing, valueIn } from "./column_types.ts";

/**
 * A label: a boolean or the number 0 or 1. Text is refused, also `"false"`,
 * which other tools take for true.
 */
export function readLabel(row: SourceRow, field: string): boolean {
  const actual = row.fields[field];
  if (typeof actual === "boolean") return actual;
  if (actual === 0 || actual === 1) return actual === 1;
  throw valueError(row, { field, actual, expected: "true, false, 1 or 0" });
}

/** A finite number. */
export function readNumber(
  row: SourceRow,
  field: string,
  actual: unknown = row.fields[field],
): number {
  if (Number.isFinite(actual)) return actual as number;
  throw valueError(row, { field, actual, expected: "a finite number" });
}

/** A column's text, or `value`; the empty one for an absent optional column. */
export function readText(row: SourceRow, field: string | null): string {
  return field === null ? "" : row.fields[field] as string ?? "";
}

/** Options of {@linkcode readTools}. */
export interface ReadToolsOptions {
  /** The column, or the place of `value`. */
  readonly field: string;
  readonly value?: unknown;
  /** Form of the row's content: only chat templates know tools. */
  readonly form: Content["form"];
}

/**
 * Definitions of tools, as a list of objects or as its JSON text; nothing
 * where there are none.
 */
export function readTools(
  row: SourceRow,
  { field, value = row.fields[field], form }: ReadToolsOptions,
): Pick<PreferenceRow, "tools"> {
  const none = [undefined, null, ""].includes(value as string);
  const tools = none ? [] : typeof value === "string" ? valueIn(value) : value;
  if (!Array.isArray(tools) || !tools.every(isObject)) {
    const expected = "a list of tools, or its JSON text";
    throw valueError(row, { field, actual: value, expected });
  }
  if (tools.length === 0) return {};
  if (form === "chat") return { tools: tools.map(definition(row)) };
  const expected = "absent: only messages can be rendered with tools";
  throw valueError(row, { field, actual: value, expected });
}

/**
 * A definition without Arrow's nulls: a table gives every tool the parameters
 * of all. Elsewhere a default may be `null`.
 */
function definition({ arrow }: SourceRow): (tool: unknown) => unknown {
  return arrow ? withoutNulls : withoutNullDefinitions;
}

function withoutNullDefinitions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullDefinitions);
  if (!isObject(value)) return value;
  const kept = Object.entries(value)
    .filter(([key, inner]) => inner !== null || MAY_BE_NULL.has(key));
  return Object.fromEntries(
    kept.map(([key, inner]) => [key, withoutNullDefinitions(inner)]),
  );
}

/** Keywords of JSON Schema whose value is any JSON. */
const MAY_BE_NULL = new Set(["default", "const", "example", "examples"]);

/** Columns beside the texts that rows of any format may have, by their kind. */
export const FEEDBACK: Readonly<Record<DataKind, readonly string[]>> = {
  pairs: [
    "loss_weight",
    "score_chosen",
    "score_rejected",
    "votes_chosen",
    "votes_rejected",
    "votes_equal",
  ],
  labels: ["loss_weight"],
  ranks: ["loss_weight"],
};

/** What the columns beside the texts say of a row. */
type Feedback = Pick<
  PreferenceRow,
  "ratings" | "agreement" | "weight" | "leftOut"
>;

/**
 * Reads the columns beside the texts that rows of any format may have:
 * `loss_weight`, the factor of the row's loss, and for pairs `score_chosen` and
 * `score_rejected` (UltraFeedback, binarized), or `votes_chosen` and
 * `votes_rejected`, perhaps with `votes_equal` (UKPConvArg). Scores that are not
 * two finite numbers decide nothing and are left out, as are weights and votes
 * that a table has no number for.
 */
export function feedbackOf(row: SourceRow, kind: DataKind): Feedback {
  const { leftOut: noWeight = [], ...weight } = weightOf(row);
  if (kind !== "pairs") return { ...weight, ...naming(noWeight) };
  const { leftOut: noScores = [], ...scores } = scoresOf(row);
  const { leftOut: noVotes = [], ...votes } = votesOf(row);
  const leftOut = [...noWeight, ...noScores, ...noVotes];
  return { ...weight, ...scores, ...votes, ...naming(leftOut) };
}

function naming(leftOut: readonly string[]): Pick<Feedback, "leftOut"> {
  return leftOut.length > 0 ? { leftOut } : {};
}

/** Those of the columns that hold something. */
function filled({ fields }: SourceRow, columns: readonly string[]): string[] {
  return columns.filter((name) => !isEmpty(fields[name]));
}

function weightOf(row: SourceRow): Pick<Feedback, "weight" | "leftOut"> {
  const field = "loss_weight";
  if (isMissing(row.fields[field])) return naming(filled(row, [field]));
  const weight = readNumber(row, field);
  if (weight >= 0) return { weight };
  throw valueError(row, { field, actual: weight, expected: "at least 0" });
}

const SCORES = ["score_chosen", "score_rejected"];

function scoresOf(row: SourceRow): Pick<Feedback, "ratings" | "leftOut"> {
  const ratings = SCORES.map((name) => row.fields[name]);
  if (ratings.every(Number.isFinite)) return { ratings: ratings as number[] };
  return naming(filled(row, SCORES));
}

const VOTES = ["votes_chosen", "votes_rejected"];

function votesOf(row: SourceRow): Pick<Feedback, "agreement" | "leftOut"> {
  if (VOTES.every((name) => isMissing(row.fields[name]))) {
    return naming(filled(row, [...VOTES, "votes_equal"]));
  }
  const votes = VOTES.map((name) => readNumber(row, name));
  const equal = "votes_equal";
  const noted = isMissing(row.fields[equal]) ? filled(row, [equal]) : [];
  return { agreement: agreement(row, votes), ...naming(noted) };
}

/** The share of votes for the chosen; a vote for neither counts half for each. */
function agreement(row: SourceRow, [chosen, rejected]: number[]): number {
  const equal = isMissing(row.fields.votes_equal)
    ? 0
    : readNumber(row, "votes_equal");
  const votes: [string, number][] = [
    ["votes_chosen", chosen!],
    ["votes_rejected", rejected!],
    ["votes_equal", equal],
  ];
  for (const [field, actual] of votes) {
    if (Number.isInteger(actual) && actual >= 0) continue;
    throw valueError(row, { field, actual, expected: "a number of votes" });
  }
  const all = chosen! + rejected! + equal;
  if (all > 0) return (chosen! + equal / 2) / all;
  const expected = "more than 0, or one of the other votes";
  throw valueError(row, { field: "votes_chosen", actual: chosen, expected });
}

/**
 * Reads a column of completions from best to worst, and their `scores`; these
 * decide nothing, and are left out where one is missing.
 *
 * @throws an error that names file, row and field: fewer than two completions,
 * or scores that are not one for each, or that rise.
 */
export function ranking(
  row: SourceRow,
  field: string,
): {
  items: unknown[];
  ratings: Pick<PreferenceRow, "ratings" | "leftOut">;
} {
  const items = atLeastTwo(row, field);
  const actual = row.fields.scores;
  if (isEmpty(actual)) return { items, ratings: {} };
  const fits = Array.isArray(actual) && actual.length === items.length;
  if (fits) {
    if (actual.some(isMissing)) {
      return { items, ratings: { leftOut: ["scores"] } };
    }
    const ratings = actual.map((score, i) =>
      readNumber(row, `scores[${i}]`, score)
    );
    const falls = ratings.every((score, i) =>
      i === 0 || score <= ratings[i - 1]!
    );
    if (falls) return { items, ratings: { ratings } };
  }
  const expected =
    `${items.length} numbers that do not rise, as "${field}" stand`;
  throw valueError(row, { field: "scores", actual, expected });
}

/** A list of completions, at least two. */
export function atLeastTwo(row: SourceRow, field: string): unknown[] {
  const actual = row.fields[field];
  if (Array.isArray(actual) && actual.length >= 2) return actual;
  throw valueError(row, { field, actual, expected: "two or more completions" });
}
