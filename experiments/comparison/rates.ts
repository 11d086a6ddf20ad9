import * as v from "valibot";
import { nameOf } from "lib/experiment/figure_parts.ts";
import { GRID_POINT, type Method } from "lib/experiment/grid.ts";
import { readRuns } from "lib/experiment/records.ts";
import { reasonOf } from "lib/files/values.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { type Preferences, splitByPrompt } from "./preferences.ts";
import type { ComparisonSettings } from "./settings.ts";

/** Trials of rates, the same for every method. */
export interface TrialOptions {
  readonly rates: readonly number[];
  /** Steps of a trial; `null` for as many as a run has. */
  readonly steps: number | null;
  /** Most pairs to choose by. */
  readonly pairs: number;
}

/**
 * The comparison that chooses rates: all methods try each, with one seed. Only
 * the accuracy of pairs is asked for, so that little else is measured.
 */
export function rateTrials(
  settings: ComparisonSettings,
  { rates, steps, pairs }: TrialOptions,
): ComparisonSettings {
  const { train, heldOut } = settings;
  const { judge: _j, choices: _c, ...contents } = settings.contents;
  const { judge: _judge, choices: _choices, ...evaluation } =
    settings.evaluation;
  return {
    ...{ ...settings, contents },
    seeds: [0],
    levels: rates.map((lr) => ({ lr })),
    train: { ...train, ...steps !== null && { steps } },
    heldOut: { ...heldOut, pairs, isDev: true },
    evaluation: {
      ...{ ...evaluation, times: 1, prompts: 1, probes: 1, maxNewTokens: 1 },
    },
  };
}

/**
 * Checks that prompts to choose rates by can be held out of those to train on.
 *
 * @throws Error where none would be left to train on.
 */
export function requireTrialPrompts(
  { train }: Pick<Preferences, "train">,
  { heldOut }: Pick<ComparisonSettings, "heldOut">,
): void {
  try {
    splitByPrompt(train.examples, heldOut);
  } catch (cause) {
    throw new Error(
      `Cannot choose rates by prompts that are held out of those to train on: ${
        reasonOf(cause)
      }`,
      { cause },
    );
  }
}

/**
 * A method at the rate that tells most pairs apart; the smallest of equals.
 *
 * @throws Error where a method diverged at every rate.
 */
export async function atBestRates(
  methods: readonly Method[],
  folder: string,
): Promise<Method[]> {
  const runs = await readRuns(folder);
  const trials = runs.flatMap(({ record, rows }) => {
    const found = v.safeParse(GRID_POINT, record.settings["run"]);
    if (!found.success || "diverged" in record.summary) return [];
    const { level: { lr }, ...method } = found.output;
    return [{
      key: keyOf(method),
      lr: lr!,
      accuracy: rows.at(-1)!["accuracy"]!,
    }];
  });
  const byMethod = Map.groupBy(trials, ({ key }) => key);
  return methods.map((method) => {
    const [best] = (byMethod.get(keyOf(method)) ?? [])
      .toSorted((a, b) => b.accuracy - a.accuracy || a.lr - b.lr);
    if (best) return { ...method, learningRate: best.lr };
    throw new Error(
      `Cannot choose a rate for ${
        nameOf(method)
      }: it diverged at all of them, expected a smaller one in --tune-lr`,
    );
  });
}

function keyOf({ loss, options }: Omit<Method, "learningRate">): string {
  return canonicalJson({ loss, options });
}
