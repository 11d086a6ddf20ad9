import type { ExperimentDefinition } from "lib/experiment/definition.ts";
import { type Experiment, experiment } from "lib/experiment/experiment.ts";
import { comparisonFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { COMPARISON_SETTINGS, type ComparisonSettings } from "./settings.ts";
import { type ComparisonSummary, summarize } from "./summary.ts";

/** Name of comparisons in their records. */
const NAME = "compare";

/**
 * Makes the experiment that compares methods on one model and one data set.
 *
 * @param settings those of its runs; `null` to work on results alone.
 */
export function comparison(settings: ComparisonSettings | null): Experiment {
  const definition: ExperimentDefinition<
    ComparisonSettings,
    null,
    null,
    ComparisonSummary
  > = {
    name: NAME,
    question:
      "Which method learns most from these preferences, and what does it cost?",
    settings: {
      schema: COMPARISON_SETTINGS,
      get full() {
        return given(settings);
      },
      get quick() {
        return given(settings);
      },
    },
    jobs,
    summarize,
    claims: [],
    figure: comparisonFigure,
  };
  return experiment(definition);
}

function given(settings: ComparisonSettings | null): ComparisonSettings {
  if (settings) return settings;
  throw new Error(
    "Cannot run a comparison by its name alone: use deno task compare",
  );
}
