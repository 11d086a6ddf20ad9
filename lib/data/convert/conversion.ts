import type { Rng } from "../../rng.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** The rows that a conversion made, and counts of what it did. */
export interface Converted {
  readonly rows: readonly PreferenceRow[];
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * Draws a share of things, rounded to whole ones. From one seed a smaller
 * share is part of a larger one.
 *
 * @throws RangeError for a share outside of 0 to 1.
 */
export function drawShare<T>(
  items: readonly T[],
  { share, rng }: { share: number; rng: Rng },
): Set<T> {
  if (!(share >= 0 && share <= 1)) {
    throw new RangeError(
      `Cannot take a share of ${share}: expected a number from 0 to 1`,
    );
  }
  const count = Math.round(share * items.length);
  return new Set(rng.shuffle(items).slice(0, count));
}

/**
 * A row with the completions at these indices, in this order, and their ratings.
 * The share of votes, which is of all completions together, is left out.
 */
export function selectCompletions(
  row: PreferenceRow,
  places: readonly number[],
): PreferenceRow {
  const { ratings, agreement: _, ...rest } = withCompletions(row, places);
  return {
    ...rest,
    ...ratings && { ratings: places.map((place) => ratings[place]!) },
  };
}

/** A row with the completions at these places, in this order. */
export function withCompletions<R extends PreferenceRow>(
  row: R,
  places: readonly number[],
): R {
  const completions = places.map((k) => row.completions[k]!);
  if (row.form !== "ids" || !row.lossMask) return { ...row, completions };
  const { lossMask } = row;
  return { ...row, completions, lossMask: places.map((k) => lossMask[k]!) };
}
