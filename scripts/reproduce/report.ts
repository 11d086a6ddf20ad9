import { note, say, table } from "lib/cli/terminal.ts";
import type { RunComparison } from "lib/record/compare_runs.ts";
import {
  causeRows,
  type NamedComparison,
  reasonText,
  resultRows,
  runRows,
  runsText,
  sameText,
  verdictText,
} from "./comparison_text.ts";

/** Rows of the table of numbers; the others are counted. */
const SHOWN = 40;

/** Prints how repetitions compare with their records, by name of the run. */
export function report(
  runs: readonly NamedComparison[],
  tolerance: number,
): void {
  const added = new Set(runs.flatMap(([, { added }]) => added));
  if (added.size > 0) {
    note(`The record was made before it had ${[...added].join(", ")}`);
  }
  const rows = runRows(runs);
  if (runs.length > 1 && rows.length > 0) table(rows);
  const different = runs.find(([, { verdict }]) => verdict === "different");
  if (different) reportDifferent(...different, runs.length === 1);
  say(
    runs.length === 1
      ? verdictText(runs[0]![1], tolerance)
      : runsText(runs, tolerance),
  );
}

/** Prints everything that differs in one run, and the likely reason. */
function reportDifferent(
  name: string,
  found: RunComparison,
  isAlone: boolean,
): void {
  if (!isAlone) say(`\nThe first of them, ${name}:`);
  const causes = causeRows(found);
  if (causes.length > 0) table(causes);
  const same = sameText(found);
  if (same) say(same);
  say(reasonText(found));
  table(resultRows(found, SHOWN));
  const hidden = found.beyond.length - SHOWN;
  if (hidden > 0) say(`${hidden} more are not shown`);
}
