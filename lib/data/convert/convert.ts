import type { Converted } from "./conversion.ts";
import { flipLabels, keepShares, softenVotes } from "./labels.ts";
import { pairLabelled, pairRanked, type RankedPairs, unpair } from "./pairs.ts";
import type { DataKind } from "../example.ts";
import { Rng } from "../../rng.ts";
import { kebab } from "../../cli/flag.ts";
import type { PreferenceRow, PreferenceRows } from "../preference_row.ts";

/** What is to be made of rows, in the order in which it is done. */
export interface ConversionSettings {
  /** Which pairs of ranked lists. */
  readonly pairs?: RankedPairs;
  /** Whether to pair labelled completions of one prompt. */
  readonly pairLabels?: boolean;
  /** Share of the rows that shall say the contrary. */
  readonly flip?: number;
  /** Whether pairs stand both ways round, weighted by their votes. */
  readonly softLabels?: boolean;
  /** Whether to make labelled completions of pairs. */
  readonly unpair?: boolean;
  /** Share of the desirable completions to keep. */
  readonly keepDesirable?: number;
  /** Share of the undesirable completions to keep. */
  readonly keepUndesirable?: number;
  /** Seed of whatever is drawn. @default 0 */
  readonly seed?: number;
}

/** A conversion that was made, as a record keeps it. */
export interface Conversion {
  readonly name: string;
  /** What was given for it; `true` for a toggle. */
  readonly setting: string | number | true;
  readonly counts: Readonly<Record<string, number>>;
}

interface Step {
  /** Not wanted where it is absent or false. */
  readonly setting: string | number | boolean | undefined;
  readonly from: readonly DataKind[];
  /** The kind that comes out, the same unless given. */
  readonly to?: DataKind;
  apply(rows: readonly PreferenceRow[], rng: Rng): Converted;
}

/**
 * Makes of rows what is asked for.
 *
 * @throws Error for a conversion that the kind of data does not have.
 */
export function convertRows(
  data: PreferenceRows,
  settings: ConversionSettings,
): PreferenceRows & { conversions: Conversion[] } {
  const rng = new Rng(settings.seed ?? 0).split("convert");
  const conversions: Conversion[] = [];
  let { kind, rows } = data;
  for (const [name, step] of wantedSteps(settings)) {
    if (!step.from.includes(kind)) {
      throw new Error(
        `Cannot use --${kebab(name)} with ${kind}: expected ${
          step.from.join(" or ")
        }`,
      );
    }
    const converted = step.apply(rows, rng.split(name));
    const { setting } = step;
    conversions.push({
      name: kebab(name),
      setting,
      counts: converted.counts,
    });
    [kind, rows] = [step.to ?? kind, converted.rows];
  }
  return { kind, rows, conversions };
}

/** Whether rows stay as they are, so that they need not be held at once. */
export function convertsNothing(settings: ConversionSettings): boolean {
  return wantedSteps(settings).length === 0;
}

type RequestedStep = Step & Pick<Conversion, "setting">;

function wantedSteps(settings: ConversionSettings): [string, RequestedStep][] {
  const steps = { ...pairSteps(settings), ...labelSteps(settings) };
  return Object.entries(steps).flatMap(([name, { setting = false, ...step }]) =>
    setting === false ? [] : [[name, { ...step, setting }]]
  );
}

/** Steps that make pairs or change them. */
function pairSteps(
  { pairs, pairLabels, flip, softLabels }: ConversionSettings,
): Record<string, Step> {
  return {
    pairs: {
      setting: pairs,
      from: ["ranks"],
      to: "pairs",
      apply: (rows) => pairRanked(rows, { pairs: pairs! }),
    },
    pairLabels: {
      setting: pairLabels,
      from: ["labels"],
      to: "pairs",
      apply: pairLabelled,
    },
    flip: {
      setting: flip,
      from: ["labels", "pairs"],
      apply: (rows, rng) => flipLabels(rows, { rate: flip!, rng }),
    },
    softLabels: { setting: softLabels, from: ["pairs"], apply: softenVotes },
  };
}

/** Steps that make labelled completions or leave some out. */
function labelSteps(
  { unpair: unpairs, keepDesirable, keepUndesirable }: ConversionSettings,
): Record<string, Step> {
  return {
    unpair: { setting: unpairs, from: ["pairs"], to: "labels", apply: unpair },
    keepDesirable: {
      setting: keepDesirable,
      from: ["labels"],
      apply: (rows, rng) =>
        keepShares(rows, { desirable: keepDesirable! }, rng),
    },
    keepUndesirable: {
      setting: keepUndesirable,
      from: ["labels"],
      apply: (rows, rng) =>
        keepShares(rows, { undesirable: keepUndesirable! }, rng),
    },
  };
}
