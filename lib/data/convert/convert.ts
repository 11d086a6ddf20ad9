import { kebab } from "../../cli/flag.ts";
import { Rng } from "../../rng.ts";
import type { DataKind } from "../example.ts";
import type { PreferenceRow, PreferenceRows } from "../preference_row.ts";
import type { Converted } from "./conversion.ts";
import { flipLabels, keepShares, softenVotes } from "./labels.ts";
import { pairLabelled, pairRanked, type RankedPairs, unpair } from "./pairs.ts";

/** Conversions of rows, in the order in which they are made. */
export interface ConversionSettings {
  /** Pairs to make of ranked lists. */
  readonly pairs?: RankedPairs;
  /** Whether to pair labelled completions of one prompt. */
  readonly pairLabels?: boolean;
  /** Share of the rows whose preference to reverse. */
  readonly flip?: number;
  /** Whether to have each pair both ways round, weighted by its votes. */
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
  /** Its setting; `true` for a toggle. */
  readonly setting: string | number | true;
  readonly counts: Readonly<Record<string, number>>;
}

type Settings = Required<Omit<ConversionSettings, "seed">>;
type Name = keyof Settings;

/** How to make one conversion. */
interface Step<Setting> {
  readonly from: readonly DataKind[];
  /** @default the kind that came in */
  readonly to?: DataKind;
  apply(
    rows: readonly PreferenceRow[],
    options: { readonly setting: Setting; readonly rng: Rng },
  ): Converted;
}

/** All conversions, in the order in which they are made. */
const STEPS: { readonly [name in Name]: Step<Settings[name]> } = {
  pairs: {
    from: ["ranks"],
    to: "pairs",
    apply: (rows, { setting: pairs }) => pairRanked(rows, { pairs }),
  },
  pairLabels: {
    from: ["labels"],
    to: "pairs",
    apply: (rows, { rng }) => pairLabelled(rows, rng),
  },
  flip: {
    from: ["labels", "pairs"],
    apply: (rows, { setting: rate, rng }) => flipLabels(rows, { rate, rng }),
  },
  softLabels: { from: ["pairs"], apply: softenVotes },
  unpair: {
    from: ["pairs"],
    to: "labels",
    apply: (rows, { rng }) => unpair(rows, rng),
  },
  keepDesirable: {
    from: ["labels"],
    apply: (rows, { setting: desirable, rng }) =>
      keepShares(rows, { desirable }, rng),
  },
  keepUndesirable: {
    from: ["labels"],
    apply: (rows, { setting: undesirable, rng }) =>
      keepShares(rows, { undesirable }, rng),
  },
};

/**
 * Makes the conversions of rows that the settings name.
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
  const convert = <N extends Name>(name: N, setting: Settings[N]) => {
    const { from, to = kind, apply }: Step<Settings[N]> = STEPS[name];
    if (!from.includes(kind)) {
      const expected = from.join(" or ");
      throw new Error(
        `Cannot use --${kebab(name)} with ${kind}: expected ${expected}`,
      );
    }
    const converted = apply(rows, { setting, rng: rng.split(name) });
    [kind, rows] = [to, converted.rows];
    return converted.counts;
  };
  for (const name of wantedSteps(settings)) {
    const setting = settings[name] as Exclude<Settings[Name], false>;
    const counts = convert(name, setting);
    conversions.push({ name: kebab(name), setting, counts });
  }
  return { kind, rows, conversions };
}

/** Whether rows stay as they are, so that they need not be held at once. */
export function convertsNothing(settings: ConversionSettings): boolean {
  return wantedSteps(settings).length === 0;
}

function wantedSteps(settings: ConversionSettings): Name[] {
  const names = Object.keys(STEPS) as Name[];
  return names.filter((name) => (settings[name] ?? false) !== false);
}
