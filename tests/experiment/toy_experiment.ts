import * as v from "valibot";
import type {
  ExperimentDefinition,
  ExperimentJobs,
  JobSetup,
} from "lib/experiment/definition.ts";
import { METHOD } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import {
  type SettingSummary,
  summarizeSetting,
} from "lib/experiment/summary.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import { COUNT } from "lib/record/check_json.ts";
import { sha256 } from "lib/record/sha256.ts";

const { url } = import.meta;

export const TOY_SCHEMA = v.strictObject({
  seeds: v.array(COUNT),
  methods: v.array(METHOD),
  /** Where every run starts. */
  origin: v.number(),
});

type ToySettings = v.InferOutput<typeof TOY_SCHEMA>;

export const TOY_SETTINGS: ToySettings = {
  origin: 10,
  seeds: [1, 2, 3],
  methods: [
    { loss: "dpo", option: "beta", values: [0.1, 1], learningRate: 2 },
    { loss: "sft", option: null, values: [0], learningRate: 3 },
    { loss: "orpo", option: "learningRate", values: [4], learningRate: 4 },
  ],
};

/** An experiment without a model: a run's numbers follow from its point. */
export const TOY: ExperimentDefinition<
  ToySettings,
  { weights: string },
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
  prepare: ({ origin }) => Promise.resolve({ weights: sha256(`${origin}`) }),
  jobs: { url, createJobs },
  summarize: ({ bySetting }) => ({ settings: bySetting.map(summarizeSetting) }),
  figure: ({ settings }) => ({
    title: `${settings.length} settings`,
    text: [],
    panels: [],
    tables: [],
  }),
};

export function createJobs(
  { settings: { origin }, shared: { weights } }: JobSetup<
    ToySettings,
    { weights: string }
  >,
): Promise<JobTable<ExperimentJobs<{ noise: number }>>> {
  return Promise.resolve({
    jobs: {
      reference: () =>
        Promise.resolve({
          ...toyOutcome([{ step: 0, gain: origin }], { weights: null }),
          summary: { weights },
        }),
      prepare: (seed) => Promise.resolve({ noise: seed / 10 }),
      run: ({ point, data: { noise } }) => {
        const gain = origin + point.value + point.learningRate + noise;
        const rows = [{ step: 0, gain: null }, { step: 5, gain }];
        return Promise.resolve(toyOutcome(rows, { weights }));
      },
    },
    release: () => Promise.resolve(),
  });
}

function toyOutcome(
  rows: readonly MetricsRow[],
  { weights }: { weights: string | null },
): Outcome {
  return {
    rows,
    objective: null,
    seeds: {},
    data: [],
    model: {
      ...{ source: "none", adapter: null, tokenizer: null, weights },
      parameters: { total: 0, trainable: 0 },
    },
    timings: { startedAt: "2025-01-31T12:00:00Z", seconds: 1, phases: {} },
    peakMemoryBytes: 1,
    summary: {},
  };
}
