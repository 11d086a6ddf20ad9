import type { DataKind } from "../example.ts";
import type { PreferenceRow } from "../preference.ts";
import type { Row } from "../row.ts";
import { valueError } from "../value_error.ts";
import { readNumber } from "./values.ts";

/**
 * What rows of any format may say besides their texts: `loss_weight`, by which
 * the row's loss is multiplied, and pairs besides which one was chosen:
 * `score_chosen` and `score_rejected` (UltraFeedback, as it was binarized), or
 * `votes_chosen` and `votes_rejected`, perhaps `votes_equal` (UKPConvArg).
 */
export function feedbackOf(
  row: Row,
  kind: DataKind,
): Pick<PreferenceRow, "scores" | "agreement" | "weight"> {
  return { ...weightOf(row), ...kind === "pairs" ? choiceOf(row) : {} };
}

function weightOf(row: Row): Pick<PreferenceRow, "weight"> {
  const at = "loss_weight";
  if ((row.fields[at] ?? null) === null) return {};
  const weight = readNumber(row, at);
  if (weight >= 0) return { weight };
  throw valueError(row, { at, found: weight, expected: "at least 0" });
}

function choiceOf(row: Row): Pick<PreferenceRow, "scores" | "agreement"> {
  const scores = together(row, ["score_chosen", "score_rejected"]);
  const votes = together(row, ["votes_chosen", "votes_rejected"]);
  return {
    ...scores ? { scores } : {},
    ...votes ? { agreement: agreement(row, votes) } : {},
  };
}

/** Numbers of columns that make sense together only; nothing without them. */
function together(row: Row, columns: string[]): number[] | null {
  const absent = columns.every((name) => (row.fields[name] ?? null) === null);
  return absent ? null : columns.map((name) => readNumber(row, name));
}

/** A vote for neither counts half for each. */
function agreement(row: Row, [chosen, rejected]: number[]): number {
  const equal = (row.fields.votes_equal ?? null) === null
    ? 0
    : readNumber(row, "votes_equal");
  const votes: [string, number][] = [
    ["votes_chosen", chosen!],
    ["votes_rejected", rejected!],
    ["votes_equal", equal],
  ];
  for (const [at, found] of votes) {
    if (Number.isInteger(found) && found >= 0) continue;
    throw valueError(row, { at, found, expected: "a number of votes" });
  }
  const all = chosen! + rejected! + equal;
  if (all > 0) return (chosen! + equal / 2) / all;
  const expected = "more than 0, or one of the other votes";
  throw valueError(row, { at: "votes_chosen", found: chosen, expected });
}
