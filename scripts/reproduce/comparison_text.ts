import type { TableRow } from "lib/cli/terminal_text.ts";
import type { Cause, RunComparison } from "lib/record/compare_runs.ts";

const REASONS: Readonly<Record<Cause, string>> = {
  settings: "other settings",
  hashes: "other data, weights or code of a loss",
  commit: "another version of this program",
  packages: "other versions of packages",
  environment: "another machine or device",
};

/** One line that says how a repetition compares with its record. */
export function verdictText(
  { verdict, numbers, results, beyond }: RunComparison,
  tolerance: number,
): string {
  const largest = largestShare(results);
  const by = `, by at most ${largest.toPrecision(2)} of their scale`;
  const differ = `${results.length} of ${numbers} numbers differ`;
  return {
    identical: "Identical, bit for bit",
    within: `Within ${tolerance}: ${differ}${by}`,
    different: beyond.length === 1
      ? "Different: 1 difference"
      : `Different: ${beyond.length} differences`,
  }[verdict] + (verdict === "different" && largest > 0 ? by : "");
}

/** Everything besides the results that differs, a row each. */
export function causeRows({ causes }: RunComparison): TableRow[] {
  return Object.entries(causes).flatMap(([cause, found]) =>
    found.map(({ path, before, after }) => ({
      differs: cause,
      place: path,
      recorded: valueText(before),
      now: valueText(after),
    }))
  );
}

/** Names the kinds of causes that are as recorded; null where none is. */
export function sameText({ causes }: RunComparison): string | null {
  const same = Object.entries(causes)
    .filter(([, found]) => found.length === 0).map(([cause]) => cause);
  return same.length === 0 ? null : `As recorded: ${same.join(", ")}`;
}

/** Says which difference likely made the numbers differ. */
export function reasonText({ likely, isRounding }: RunComparison): string {
  const size = isRounding
    ? "; the first numbers that differ do so by no more than rounding"
    : "";
  return likely === null
    ? `No reason is known: nothing else that the record holds differs${size}`
    : `Likely reason: ${REASONS[likely]} (${likely})${size}`;
}

/** The results beyond the tolerance, a row each, at most `most`. */
export function resultRows(
  { beyond }: Pick<RunComparison, "beyond">,
  most: number,
): TableRow[] {
  return beyond.slice(0, most).map(({ path, before, after, share }) => ({
    place: path,
    recorded: valueText(before),
    again: valueText(after),
    share: share === null ? "" : share.toPrecision(2),
  }));
}

/** A run's name, and how it compares with its repetition. */
export type NamedComparison = readonly [name: string, found: RunComparison];

/** The runs that are not identical, a row each. */
export function runRows(runs: readonly NamedComparison[]): TableRow[] {
  return runs.filter(([, { verdict }]) => verdict !== "identical")
    .map(([run, { verdict, numbers, results, beyond }]) => ({
      run,
      verdict,
      differ: `${results.length} of ${numbers}`,
      beyond: beyond.length,
      share: largestShare(results),
    }));
}

/** One line that says how many repetitions are as their records. */
export function runsText(
  runs: readonly NamedComparison[],
  tolerance: number,
): string {
  const count = (verdict: RunComparison["verdict"]) =>
    runs.filter(([, found]) => found.verdict === verdict).length;
  const all = `${runs.length} ${runs.length === 1 ? "run" : "runs"}`;
  const [different, within] = [count("different"), count("within")];
  if (different > 0) return `Different: ${different} of ${all}`;
  if (within === 0) return `Identical, bit for bit: ${all}`;
  return `Within ${tolerance}: ${all}, ${count("identical")} of them identical`;
}

function largestShare(results: RunComparison["results"]): number {
  return Math.max(0, ...results.map(({ share }) => share ?? 0));
}

function valueText(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
