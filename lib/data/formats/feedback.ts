import type { DataKind } from "../example.ts";
import { type SourceRow, valueError } from "../containers/reading.ts";
import { readNumber } from "./values.ts";
import type { PreferenceRow } from "../preference_row.ts";

/**
 * What rows of any format may say besides their texts: `loss_weight`, by which
 * the row's loss is multiplied, and pairs besides which one was chosen:
 * `score_chosen` and `score_rejected` (UltraFeedback, as it was binarized), or
 * `votes_chosen` and `votes_rejected`, perhaps `votes_equal` (UKPConvArg).
 */
export function feedbackOf(
  row: SourceRow,
  kind: DataKind,
): Pick<PreferenceRow, "scores" | "agreement" | "weight"> {
  return { ...weightOf(row), ...kind === "pairs" ? choiceOf(row) : {} };
}

function weightOf(row: SourceRow): Pick<PreferenceRow, "weight"> {
  const field = "loss_weight";
  if ((row.fields[field] ?? null) === null) return {};
  const weight = readNumber(row, field);
  if (weight >= 0) return { weight };
  throw valueError(row, { field, actual: weight, expected: "at least 0" });
}

function choiceOf(row: SourceRow): Pick<PreferenceRow, "scores" | "agreement"> {
  const scores = together(row, ["score_chosen", "score_rejected"]);
  const votes = together(row, ["votes_chosen", "votes_rejected"]);
  return {
    ...scores ? { scores } : {},
    ...votes ? { agreement: agreement(row, votes) } : {},
  };
}

/** Numbers of columns that make sense together only; nothing without them. */
function together(row: SourceRow, columns: string[]): number[] | null {
  const absent = columns.every((name) => (row.fields[name] ?? null) === null);
  return absent ? null : columns.map((name) => readNumber(row, name));
}

/** A vote for neither counts half for each. */
function agreement(row: SourceRow, [chosen, rejected]: number[]): number {
  const equal = (row.fields.votes_equal ?? null) === null
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
 * A column of completions from best to worst, and what `scores` says of them.
 *
 * @throws an error that names file, row and field: fewer than two completions,
 * or scores that are not one for each, or that rise.
 */
export function ranking(
  row: SourceRow,
  field: string,
): { items: unknown[]; scores: { scores?: number[] } } {
  const items = atLeastTwo(row, field);
  const actual = row.fields.scores ?? null;
  if (actual === null) return { items, scores: {} };
  const fits = Array.isArray(actual) && actual.length === items.length;
  if (fits) {
    const scores = actual.map((score, i) =>
      readNumber(row, `scores[${i}]`, score)
    );
    const falls = scores.every((score, i) =>
      i === 0 || score <= scores[i - 1]!
    );
    if (falls) return { items, scores: { scores } };
  }
  const expected =
    `${items.length} numbers that do not rise, as "${field}" stand`;
  throw valueError(row, { field: "scores", actual, expected });
}

/** A list of completions, of which there must be two to rank. */
export function atLeastTwo(row: SourceRow, field: string): unknown[] {
  const actual = row.fields[field];
  if (Array.isArray(actual) && actual.length >= 2) return actual;
  throw valueError(row, { field, actual, expected: "two or more completions" });
}
