import type { Rng } from "../../rng.ts";
import { type Converted, selectCompletions } from "./conversion.ts";
import type { PreferenceRow } from "../preference_row.ts";

/**
 * Pairs of labelled completions of one prompt: each desirable one with an
 * undesirable one, drawn by chance and used once, as long as there are both.
 * A pair stands where its desirable completion stood.
 */
export function pairLabelled(
  singles: readonly PreferenceRow[],
  rng: Rng,
): Converted {
  const partners = new Map<PreferenceRow, PreferenceRow>();
  for (const group of Map.groupBy(singles, promptKey).values()) {
    const drawn = (wanted: boolean) =>
      rng.shuffle(group.filter(({ label }) => label === wanted));
    const undesirable = drawn(false);
    drawn(true).slice(0, undesirable.length).forEach((row, i) =>
      partners.set(row, undesirable[i]!)
    );
  }
  const rows = singles.flatMap((row) => {
    const partner = partners.get(row);
    return partner ? [pairOf(row, partner)] : [];
  });
  const unused = (wanted: boolean) =>
    singles.filter(({ label }) => label === wanted).length - rows.length;
  return {
    rows,
    counts: {
      pairs: rows.length,
      unusedDesirable: unused(true),
      unusedUndesirable: unused(false),
    },
  };
}

/** A key that rows with the same prompt share. */
function promptKey({ form, prompt, tools = [] }: PreferenceRow): string {
  return JSON.stringify([form, prompt, tools]);
}

function pairOf(chosen: PreferenceRow, rejected: PreferenceRow): PreferenceRow {
  const { label: _, ratings: _ratings, ...rest } = withBoth(chosen, rejected);
  return { ...rest, location: `${chosen.location} and ${rejected.location}` };
}

function withBoth<R extends PreferenceRow>(
  chosen: R,
  rejected: PreferenceRow,
): R {
  const completions = [chosen.completions[0]!, rejected.completions[0]!];
  const masks = [chosen, rejected].map((row) =>
    row.form === "ids" ? row.lossMask?.[0] : undefined
  );
  if (masks.every((mask) => !mask)) return { ...chosen, completions };
  const lossMask = masks.map((mask, k) =>
    mask ?? new Array<boolean>(completions[k]!.length).fill(true)
  );
  return { ...chosen, completions, lossMask };
}

/**
 * Pairs as labelled completions, the chosen ones desirable. Both classes are
 * mixed: of each two rows one is desirable, never are three neighbours alike,
 * and the completions of one pair stand half the file apart, so that a
 * neighbour's completion is one of another prompt.
 */
export function unpair(
  pairs: readonly PreferenceRow[],
  rng: Rng,
): Converted {
  const chosen = rng.shuffle(pairs);
  const half = Math.floor(pairs.length / 2);
  const rows = chosen.flatMap((pair, i) => {
    const other = chosen[(i + half) % chosen.length]!;
    return rng.shuffle([labelled(pair, true), labelled(other, false)]);
  });
  const { length } = pairs;
  return { rows, counts: { desirable: length, undesirable: length } };
}

function labelled(pair: PreferenceRow, label: boolean): PreferenceRow {
  return { ...selectCompletions(pair, [label ? 0 : 1]), label };
}

type Places = [better: number, worse: number];

/** Name of a choice of pairs from a ranked list. */
export type RankedPairs = "all" | "best-worst" | "adjacent";

/** Pairs of indices of n completions, best first. */
const PLACES: Record<RankedPairs, (n: number) => Places[]> = {
  "all": (n) =>
    range(n).flatMap((a) =>
      range(n - a - 1).map((b): Places => [a, a + b + 1])
    ),
  "best-worst": (n) => [[0, n - 1]],
  "adjacent": (n) => range(n - 1).map((a): Places => [a, a + 1]),
};

/** Every {@linkcode RankedPairs}, for a parser of settings. */
export const rankedPairs = Object.keys(PLACES) as RankedPairs[];

/**
 * Pairs of ranked lists: every better completion with every worse one, the
 * best with the worst, or each with the next. Equal scores make no pair.
 */
export function pairRanked(
  lists: readonly PreferenceRow[],
  { pairs }: { pairs: RankedPairs },
): Converted {
  let ties = 0;
  let unused = 0;
  const rows = lists.flatMap((list) => {
    const { completions, ratings } = list;
    const places = PLACES[pairs](completions.length);
    const apart = places.filter(([a, b]) =>
      !ratings || ratings[a] !== ratings[b]
    );
    ties += places.length - apart.length;
    unused += Number(apart.length === 0);
    return apart.map((places) => selectCompletions(list, places));
  });
  const counts = { lists: lists.length, pairs: rows.length, ties };
  return { rows, counts: { ...counts, listsWithoutPair: unused } };
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
