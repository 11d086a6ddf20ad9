import type { JobSetup } from "lib/experiment/definition.ts";
import type { Level } from "lib/experiment/grid.ts";
import * as reviews from "../reviews/jobs.ts";
import type { ReviewsSettings } from "../reviews/settings.ts";

export const { url } = import.meta;

type Table = Awaited<ReturnType<typeof reviews.createJobs>>;

/**
 * The jobs of the world of reviews, at each level with as many pairs and steps
 * as it says: the reference is read for all steps that a run takes.
 */
export async function createJobs(
  setup: JobSetup<ReviewsSettings>,
): Promise<Table> {
  const { jobs, release } = await reviews.createJobs(setup);
  const longer = new Map<string, Table>();
  const jobsAt = async (level: Level) => {
    const settings = settingsAt(setup.settings, level);
    const { training: { steps }, preferences: { pairsPerPrompt } } = settings;
    const key = `${steps}/${pairsPerPrompt}`;
    const found = longer.get(key) ??
      await reviews.createJobs({ ...setup, settings });
    longer.set(key, found);
    return found.jobs;
  };
  return {
    jobs: {
      ...jobs,
      prepare: async ({ level, ...rest }) => {
        const { prepare } = await jobsAt(level);
        return await prepare({ ...rest, level: {} });
      },
      run: async ({ point, ...rest }) => {
        const { run } = await jobsAt(point.level);
        return await run({ ...rest, point: { ...point, level: {} } });
      },
    },
    release: async () => {
      await release();
      for (const table of longer.values()) await table.release();
    },
  };
}

function settingsAt(
  settings: ReviewsSettings,
  { passes = 1, pairs = 1 }: Level,
): ReviewsSettings {
  const { preferences, training, evaluation } = settings;
  return {
    ...settings,
    preferences: {
      ...preferences,
      pairsPerPrompt: preferences.pairsPerPrompt * pairs,
    },
    training: { ...training, steps: training.steps * passes * pairs },
    evaluation: {
      ...evaluation,
      steps: evaluation.steps.map((step) => step * passes * pairs),
    },
  };
}
