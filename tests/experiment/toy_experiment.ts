import * as v from "valibot";
import type {
  ExperimentDefinition,
  ExperimentJobs,
  JobSetup,
} from "lib/experiment/definition.ts";
import { GRID } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import {
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import { sha256 } from "lib/record/sha256.ts";

const { url } = import.meta;

export const TOY_SCHEMA = v.strictObject({
  ...GRID,
  /** Where the model of draw 0 is. */
  origin: v.number(),
});

export type ToySettings = v.InferOutput<typeof TOY_SCHEMA>;

export const TOY_SETTINGS: ToySettings = {
  origin: 10,
  draws: [0, 1],
  seeds: [1, 2],
  levels: [{}],
  methods: [
    { loss: "dpo", options: { beta: 0.1 }, learningRate: 2 },
    { loss: "dpo", options: { beta: 1 }, learningRate: 2 },
    { loss: "sft", options: {}, learningRate: 3 },
  ],
};

/** The model that runs start from. */
export interface ToyModel {
  readonly place: number;
  readonly weights: string;
}

export type ToyJobs = ExperimentJobs<ToyModel, { noise: number }>;

/** An experiment without a model: a run's numbers follow from its point. */
export const TOY: ExperimentDefinition<
  ToySettings,
  ToyModel,
  { noise: number },
  { settings: SettingSummary[] }
> = {
  name: "toy",
  question: "What is the sum?",
  settings: {
    schema: TOY_SCHEMA,
    full: TOY_SETTINGS,
    quick: { ...TOY_SETTINGS, methods: TOY_SETTINGS.methods.slice(0, 1) },
  },
  jobs: { url, createJobs },
  summarize: ({ bySetting }) => ({ settings: bySetting.map(summarizeSetting) }),
  claims: [],
  figure: ({ settings }) => ({
    title: `${settings.length} settings`,
    text: [],
    panels: [],
    tables: [],
  }),
};

const MODEL = {
  ...{ source: "none", adapter: null, tokenizer: null },
  parameters: { total: 0, trainable: 0 },
};

export function createJobs(
  { settings: { origin } }: JobSetup<ToySettings>,
): Promise<JobTable<ToyJobs>> {
  return Promise.resolve({
    jobs: {
      start: (draw) => {
        const place = origin + 100 * draw;
        return Promise.resolve({ place, weights: sha256(`${place}`) });
      },
      exact: () => Promise.resolve({ rows: [], summary: { least: origin } }),
      reference: ({ start: { place, weights } }) =>
        Promise.resolve({
          rows: [{ step: 0, gain: place }],
          summary: { weights },
        }),
      prepare: ({ seed, level: { shift = 0 } }) =>
        Promise.resolve({ noise: shift + seed / 10 }),
      run: ({ point, start: { place, weights }, data: { noise } }) => {
        const { learningRate, options } = point;
        const gain = place + Number(options["beta"] ?? 0) + learningRate +
          noise;
        return Promise.resolve({
          rows: [{ step: 0, gain: null }, { step: 5, gain }],
          summary: {},
          model: { ...MODEL, weights },
        });
      },
    },
    release: () => Promise.resolve(),
  });
}

type Jobs = JobTable<ToyJobs>["jobs"];

/** The jobs of the toy, of which some are others. */
export async function toyJobsExcept(
  setup: JobSetup<ToySettings>,
  others: (jobs: Jobs) => Partial<Jobs>,
): Promise<JobTable<ToyJobs>> {
  const { jobs, release } = await createJobs(setup);
  return { jobs: { ...jobs, ...others(jobs) }, release };
}
