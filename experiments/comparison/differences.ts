import * as v from "valibot";
import { nameOf } from "lib/experiment/figure_parts.ts";
import type { SettingRuns } from "lib/experiment/summary.ts";
import type { RunRecord } from "lib/record/record.ts";
import { Rng } from "lib/rng.ts";
import { bootstrap } from "lib/stats/bootstrap.ts";
import { holm } from "lib/stats/holm.ts";
import { signFlipTest } from "lib/stats/sign_flip.ts";
import { mean } from "lib/train/metrics.ts";
import { wins } from "./judge.ts";

/** A mean of paired differences between a method and another. */
export interface PairedDifference {
  readonly name: string;
  readonly estimate: number;
  /** Interval over prompts, 95 %. */
  readonly low: number;
  readonly high: number;
  /** Of no difference, adjusted by Holm over all of its kind. */
  readonly p: number;
}

/** Differences that are judged together, in the order in which they stand. */
interface Pairs {
  readonly name: string;
  /** Of each prompt. */
  readonly differences: readonly number[];
  /** Name of the random numbers. */
  readonly stream: string;
}

/** Means of paired differences, with Holm's p-values over all of them. */
export function pairedDifferences<P extends Pairs>(
  all: readonly P[],
): (Omit<P, "differences" | "stream"> & PairedDifference)[] {
  const found = all.map(({ differences, stream, ...rest }) => ({
    ...{ ...rest, ...paired(differences, new Rng(stream)) },
  }));
  const adjusted = holm(found.map(({ p }) => p));
  return found.map((one, i) => ({ ...one, p: adjusted[i]! }));
}

/** Prompts from which on the bootstrap is to be trusted. */
const MANY = 100;

/**
 * Mean of paired differences, its interval and p-value: by the bootstrap, or,
 * for few, by sign flips, whose interval is all of [−1, 1] below six prompts.
 */
export function paired(differences: readonly number[], random: Rng) {
  if (differences.length >= MANY) {
    const { estimate, low, high, p } = bootstrap(differences, mean, { random });
    return { estimate, low, high, p };
  }
  const { low, high, p } = signFlipTest(differences, { random });
  return { estimate: mean(differences), low: low ?? -1, high: high ?? 1, p };
}

const NUMBERS = v.array(v.number());

/** The parts of a record's summary that a judge and questions add. */
const ADDED = v.object({
  scores: v.optional(NUMBERS),
  choices: v.optional(v.object({ mc1: NUMBERS, mc2: NUMBERS })),
});

type Summary = RunRecord["summary"];

/** Share of the prompts whose answer wins against that before training. */
export function winRate(run: Summary, reference: Summary): number | null {
  const [own, before] = [run, reference].map((one) => v.parse(ADDED, one));
  if (!own!.scores || !before!.scores) return null;
  return mean(wins(own!.scores, before!.scores));
}

/** A difference of a measure that not every comparison has. */
export interface AddedDifference extends PairedDifference {
  readonly measure: "winRate" | "mc1" | "mc2";
  /** The other method; `null` for the model before training. */
  readonly from: string | null;
}

/**
 * Differences of win rates and of choices, paired by prompt or question, means
 * over seeds: of each method from the model before training, whose win rate is
 * ½, and of the others from the first.
 */
export function addedDifferences(
  settings: readonly SettingRuns[],
  reference: Summary,
): AddedDifference[] {
  const { scores, choices } = v.parse(ADDED, reference);
  const measures = {
    ...scores && {
      winRate: {
        before: scores.map(() => 0.5),
        read: (own: Added) => wins(own.scores!, scores),
      },
    },
    ...choices && {
      mc1: { before: choices.mc1, read: (own: Added) => own.choices!.mc1 },
      mc2: { before: choices.mc2, read: (own: Added) => own.choices!.mc2 },
    },
  };
  return (["winRate", "mc1", "mc2"] as const).flatMap((measure) => {
    const found = measures[measure];
    return found ? differencesOf(settings, { measure, ...found }) : [];
  });
}

type Added = v.InferOutput<typeof ADDED>;

function differencesOf(
  settings: readonly SettingRuns[],
  { measure, before, read }: {
    measure: AddedDifference["measure"];
    before: readonly number[];
    read: (own: Added) => readonly number[];
  },
): AddedDifference[] {
  const [first, ...others] = settings.map(({ method, level, runs }) => ({
    name: nameOf({ ...method, level }),
    values: meanOver(
      runs.map(({ record }) => read(v.parse(ADDED, record.summary))),
    ),
  }));
  const start = { name: null, values: before };
  const pairs = [
    ...[first!, ...others].map((one) => [one, start] as const),
    ...others.map((one) => [one, first!] as const),
  ];
  return pairedDifferences(pairs.map(([{ name, values }, other]) => ({
    ...{ measure, name, from: other.name },
    differences: values.map((value, i) => value - other.values[i]!),
    stream: `${measure}/${name}/${other.name ?? ""}`,
  })));
}

/** Lists of equal length as one, of their means. */
export function meanOver(lists: readonly (readonly number[])[]): number[] {
  return lists[0]!.map((_, i) => mean(lists.map((own) => own[i]!)));
}
