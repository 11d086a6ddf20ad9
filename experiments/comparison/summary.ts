import * as v from "valibot";
import { nameOf } from "lib/experiment/figure_parts.ts";
import {
  type ExperimentRuns,
  type SettingRuns,
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { RecordedRun, RunRecord } from "lib/record/record.ts";
import { mean } from "lib/train/metrics.ts";
import {
  type AddedDifference,
  addedDifferences,
  meanOver,
  type PairedDifference,
  pairedDifferences,
  winRate,
} from "./differences.ts";
import type { ComparisonSettings } from "./settings.ts";

/** A method over its seeds. */
export interface ComparedMethod extends SettingSummary {
  readonly name: string;
  /** Answers of the first seed's policy. */
  readonly answers: readonly string[];
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
  /**
   * Accuracy on held-out pairs less that of the first method, from the second
   * method on.
   */
  readonly differences: readonly PairedDifference[];
  /** The judge in words; absent where nobody scored answers. */
  readonly judge?: string;
  /** The questions with answers to choose from; absent without any. */
  readonly questions?: { readonly source: string; readonly count: number };
  /** Of win rates and choices; absent where there are none. */
  readonly added?: readonly AddedDifference[];
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
  const [train, heldOut, questions] = bySetting[0]!.runs[0]!.record.data;
  const added = addedDifferences(bySetting, summary);
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
    methods: bySetting.map((setting) => methodOf(setting, summary)),
    differences: differencesOf(bySetting, promptOfPair),
    ...judgeOf(settings.evaluation),
    ...questions && {
      questions: { source: questions.source, count: questions.counts["rows"]! },
    },
    ...added.length > 0 && { added },
  };
}

function methodOf(
  setting: SettingRuns,
  reference: RunRecord["summary"],
): ComparedMethod {
  const { method, level, runs } = setting;
  const { ends, ...summary } = summarizeSetting(setting);
  const winRates = runs.map(({ record }) => winRate(record.summary, reference));
  return {
    ...summary,
    ends: { ...ends, ...winRates[0] !== null && { winRate: winRates } },
    learningRate: level["lr"] ?? method.learningRate,
    name: nameOf({ ...method, level }),
    answers: v.parse(TEXTS, runs[0]!.record.summary["answers"]),
  };
}

function judgeOf(
  { judge }: ComparisonSettings["evaluation"],
): Pick<ComparisonSummary, "judge"> {
  if (judge === undefined) return {};
  return "command" in judge
    ? { judge: `the command ${judge.command}` }
    : { judge: `the reward model ${judge.rewardModel}` };
}

/** Each method against the first, paired by prompt, means over seeds. */
function differencesOf(
  settings: readonly SettingRuns[],
  promptOfPair: readonly number[],
): PairedDifference[] {
  const [first, ...others] = settings.map(({ method, level, runs }) => ({
    name: nameOf({ ...method, level }),
    byPrompt: byPrompt(accuracies(runs), promptOfPair),
  }));
  return pairedDifferences(others.map(({ name, byPrompt }) => ({
    name,
    differences: byPrompt.map((value, i) => value - first!.byPrompt[i]!),
    stream: `prompts/${name}`,
  })));
}

/** Share of the runs that tell each pair apart rightly. */
function accuracies(runs: readonly RecordedRun[]): number[] {
  return meanOver(
    runs.map(({ record }) => v.parse(NUMBERS, record.summary["correct"])),
  );
}

/** Means over the pairs of each prompt, in the order of the prompts. */
export function byPrompt(
  values: readonly number[],
  promptOfPair: readonly number[],
): number[] {
  const groups = Map.groupBy(values.keys(), (i) => promptOfPair[i]!);
  return [...groups.values()].map((own) => mean(own.map((i) => values[i]!)));
}
