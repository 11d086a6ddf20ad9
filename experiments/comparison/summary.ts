import * as v from "valibot";
import { nameOf } from "lib/experiment/figure_parts.ts";
import {
  type ExperimentRuns,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { Rng } from "lib/rng.ts";
import { bootstrap } from "lib/stats/bootstrap.ts";
import { holm } from "lib/stats/holm.ts";
import { signFlipTest } from "lib/stats/sign_flip.ts";
import { mean } from "lib/train/metrics.ts";
import type { ComparisonSettings } from "./settings.ts";

/** A method over its seeds. */
export interface ComparedMethod extends SettingSummary {
  readonly name: string;
  /** Answers of the first seed's policy. */
  readonly answers: readonly string[];
}

/** Accuracy of a method on held-out pairs less that of the first method. */
export interface AccuracyDifference {
  readonly name: string;
  readonly estimate: number;
  /** Interval over prompts, 95 %. */
  readonly low: number;
  readonly high: number;
  /** Of no difference, adjusted by Holm over all methods. */
  readonly p: number;
}

/** All that the figure of a comparison shows. */
export interface ComparisonSummary {
  readonly model: string;
  readonly data: string;
  readonly seeds: number;
  readonly pairs: {
    readonly train: number;
    readonly heldOut: number;
    /** Held-out pairs whose prompts are trained on too. */
    readonly trainedPrompts: number;
  };
  /** Prompts of the held-out pairs. */
  readonly promptCount: number;
  /** Prompts that were answered, and the answers before training. */
  readonly prompts: readonly string[];
  readonly answers: readonly string[];
  /** Accuracy under log π alone, before training. */
  readonly logProbAccuracy: number;
  readonly methods: readonly ComparedMethod[];
  /** From the second method on. */
  readonly differences: readonly AccuracyDifference[];
}

const TEXTS = v.array(v.string());
const NUMBERS = v.array(v.number());

/** @throws Error where the record of the model before training is missing. */
export function summarize(
  { settings, references, bySetting }: ExperimentRuns<ComparisonSettings>,
): ComparisonSummary {
  const [reference] = references.values();
  if (!reference) {
    throw new Error("Cannot summarize: the record of the reference is missing");
  }
  const { summary, model } = reference.record;
  const promptOfPair = v.parse(NUMBERS, summary["promptOfPair"]);
  const [train, heldOut] = bySetting[0]!.runs[0]!.record.data;
  return {
    model: model.source,
    data: train!.source,
    seeds: settings.seeds.length,
    pairs: {
      train: train!.counts["rows"]!,
      heldOut: promptOfPair.length,
      trainedPrompts: heldOut!.counts["trainedPrompts"] ?? 0,
    },
    promptCount: new Set(promptOfPair).size,
    prompts: v.parse(TEXTS, summary["prompts"]),
    answers: v.parse(TEXTS, summary["answers"]),
    logProbAccuracy: v.parse(v.number(), summary["logProbAccuracy"]),
    methods: bySetting.map((setting) => ({
      ...summarizeSetting(setting),
      learningRate: setting.level["lr"] ?? setting.method.learningRate,
      name: nameOf({ ...setting.method, level: setting.level }),
      answers: v.parse(TEXTS, setting.runs[0]!.record.summary["answers"]),
    })),
    differences: differencesOf(bySetting, promptOfPair),
  };
}

/** Each method against the first, paired by prompt, means over seeds. */
function differencesOf(
  settings: readonly SettingRuns[],
  promptOfPair: readonly number[],
): AccuracyDifference[] {
  const [first, ...others] = settings.map(({ method, level, runs }) => ({
    name: nameOf({ ...method, level }),
    byPrompt: byPrompt(accuracies(runs), promptOfPair),
  }));
  const found = others.map(({ name, byPrompt }) => {
    const gains = byPrompt.map((value, i) => value - first!.byPrompt[i]!);
    return { name, ...paired(gains, new Rng(`prompts/${name}`)) };
  });
  const adjusted = holm(found.map(({ p }) => p));
  return found.map(({ name, estimate, low, high }, i) => ({
    ...{ name, estimate, low, high, p: adjusted[i]! },
  }));
}

/** Prompts from which on the bootstrap is to be trusted. */
const MANY = 100;

/**
 * Mean of paired differences, its interval and p-value: by the bootstrap, or,
 * for few, by sign flips, whose interval is all of [−1, 1] below six prompts.
 */
export function paired(differences: readonly number[], random: Rng) {
  if (differences.length >= MANY) {
    return bootstrap(differences, mean, { random });
  }
  const { low, high, p } = signFlipTest(differences, { random });
  return { estimate: mean(differences), low: low ?? -1, high: high ?? 1, p };
}

/** Share of the runs that tell each pair apart rightly. */
function accuracies(runs: readonly RecordedRun[]): number[] {
  return meanOver(
    runs.map(({ record }) => v.parse(NUMBERS, record.summary["correct"])),
  );
}

/** Lists of equal length as one, of their means. */
export function meanOver(lists: readonly (readonly number[])[]): number[] {
  return lists[0]!.map((_, i) => mean(lists.map((own) => own[i]!)));
}

/** Means over the pairs of each prompt, in the order of the prompts. */
export function byPrompt(
  values: readonly number[],
  promptOfPair: readonly number[],
): number[] {
  const groups = Map.groupBy(values.keys(), (i) => promptOfPair[i]!);
  return [...groups.values()].map((own) => mean(own.map((i) => values[i]!)));
}
