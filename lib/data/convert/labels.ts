import type { Rng } from "../../rng.ts";
import {
  type Converted,
  drawShare,
  selectCompletions,
  withCompletions,
} from "./conversion.ts";
import type { PreferenceRow } from "../preference_row.ts";

export interface Shares {
  /** @default 1 */
  readonly desirable?: number;
  /** @default 1 */
  readonly undesirable?: number;
}

/**
 * Keeps a share of the desirable and of the undesirable completions, drawn by
 * chance, to simulate classes out of balance. The order stays.
 *
 * @throws RangeError for a share outside of 0 to 1.
 */
export function keepShares(
  singles: readonly PreferenceRow[],
  { desirable = 1, undesirable = 1 }: Shares,
  rng: Rng,
): Converted {
  const drawn = (wanted: boolean, share: number) =>
    drawShare(singles.filter(({ label }) => label === wanted), {
      share,
      rng: rng.split(String(wanted)),
    });
  const good = drawn(true, desirable);
  const bad = drawn(false, undesirable);
  const rows = singles.filter((row) => good.has(row) || bad.has(row));
  return {
    rows,
    counts: {
      desirable: good.size,
      undesirable: bad.size,
      leftOut: singles.length - rows.length,
    },
  };
}

/**
 * Adds label noise: reverses the label, or exchanges chosen and rejected, in a
 * share of the rows drawn by chance. Votes and scores are taken to be as wrong:
 * they stay as they are, and so does the order of rows.
 *
 * @throws RangeError for a rate outside of 0 to 1, or for a ranked list.
 */
export function flipLabels(
  rows: readonly PreferenceRow[],
  { rate, rng }: { rate: number; rng: Rng },
): Converted {
  const wrong = drawShare(rows, { share: rate, rng });
  return {
    rows: rows.map((row) => wrong.has(row) ? flipped(row) : row),
    counts: { rows: rows.length, flipped: wrong.size },
  };
}

function flipped(row: PreferenceRow): PreferenceRow {
  if (row.label !== undefined) return { ...row, label: !row.label };
  if (row.completions.length === 2) return withCompletions(row, SWAPPED);
  throw new RangeError(
    `Cannot flip ${row.location}: expected a label or a pair, found ${row.completions.length} completions`,
  );
}

const AS_IT_STANDS = [0, 1];
const SWAPPED = [1, 0];

/**
 * Soft labels: a pair whose chosen completion has a share p of the votes
 * becomes the pair with weight p, and the pair the other way round with weight
 * 1 − p. A pair of weight 0 is left out; a pair without votes stays.
 *
 * @throws RangeError for a share outside of 0 to 1, or what is not a pair.
 */
export function softenVotes(pairs: readonly PreferenceRow[]): Converted {
  const rows = pairs.flatMap(soft);
  const voted = pairs.filter(({ agreement }) => agreement !== undefined);
  const split = rows.length - pairs.length;
  return {
    rows,
    counts: {
      split,
      unanimous: voted.length - split,
      withoutVotes: pairs.length - voted.length,
    },
  };
}

function soft(row: PreferenceRow): PreferenceRow[] {
  const { agreement, weight = 1, completions, location } = row;
  if (completions.length !== 2) {
    throw new RangeError(
      `Cannot weigh ${location} by votes: expected a pair, found ${completions.length} completions`,
    );
  }
  if (agreement === undefined) return [row];
  if (!(agreement >= 0 && agreement <= 1)) {
    throw new RangeError(
      `Cannot weigh ${location} by votes: its chosen completion has a share of ${agreement}, expected 0 to 1`,
    );
  }
  return [
    { ...selectCompletions(row, AS_IT_STANDS), weight: weight * agreement },
    { ...selectCompletions(row, SWAPPED), weight: weight * (1 - agreement) },
  ].filter((row) => row.weight > 0);
}
