import type { ExperimentDefinition } from "lib/experiment/definition.ts";
import { type Experiment, experiment } from "lib/experiment/experiment.ts";
import { comparisonFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import {
  besidePeer,
  type PeerRecord,
  readPeer,
  type SummaryBesidePeer,
  withPeer,
} from "./peer.ts";
import { COMPARISON_SETTINGS, type ComparisonSettings } from "./settings.ts";
import { summarize } from "./summary.ts";

/** Name of comparisons in their records. */
const NAME = "compare";

/**
 * Makes the experiment that compares methods on one model and one data set. A
 * record of the same runs by TRL may lie beside the results: then they are
 * drawn with it.
 *
 * @param settings those of its runs; `null` to work on results alone.
 */
export function comparison(settings: ComparisonSettings | null): Experiment {
  const alone = experiment(definitionOf(settings, null));
  const beside = async (folder: string) =>
    experiment(definitionOf(settings, await readPeer(folder)));
  return {
    ...alone,
    files: async (folder) => await (await beside(folder)).files(folder),
    rebuild: async (folder) => await (await beside(folder)).rebuild(folder),
  };
}

function definitionOf(
  settings: ComparisonSettings | null,
  peer: PeerRecord | null,
): ExperimentDefinition<ComparisonSettings, null, null, SummaryBesidePeer> {
  return {
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
    summarize: (runs) => ({
      ...summarize(runs),
      ...peer && { peer: besidePeer(runs, peer) },
    }),
    claims: [],
    figure: ({ peer, ...summary }) => {
      const figure = comparisonFigure(summary);
      return peer ? withPeer(figure, peer) : figure;
    },
  };
}

function given(settings: ComparisonSettings | null): ComparisonSettings {
  if (settings) return settings;
  throw new Error(
    "Cannot run a comparison by its name alone: use deno task compare",
  );
}
