import { FRONTIER } from "experiments/frontier/experiment.ts";
import { referenceOutcome } from "experiments/reviews/jobs.ts";
import { policyOf } from "experiments/reviews/reference_model.ts";
import { gridPoints } from "lib/experiment/grid.ts";
import { recordRun } from "lib/experiment/records.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { randomDecoder } from "../models/random_decoder.ts";
import { TINY } from "./tiny_settings.ts";

const START = {
  ...{ goldReward: 0, kl: 0, length: 10, distinct2: 0.1, broken: 0.2 },
  ...{ accuracy: null, chosen: 0, rejected: 0, loss: null, gradNorm: null },
};

/** Records of runs that never were: numbers that tell them apart. */
export function syntheticRuns(settings = TINY): RecordedRun[] {
  const context = {
    experiment: FRONTIER.name,
    settings,
    device: "cpu",
    provenance: null,
  } as const;
  const config = TINY.referenceModel.config;
  const { policy: { initial } } = randomDecoder(config);
  const model = { config, weights: initial };
  const timings = { startedAt: "2025-01-31T12:00:00Z", seconds: 1, phases: {} };
  const attainable = [1, 3].map((beta) => ({
    beta,
    reward: 2 / beta,
    kl: 1 / beta,
    effectiveSamples: 20,
  })).reverse();
  const rows = [{ step: 40, loss: 1.5 }];
  const trained = {
    ...{ model, rows, timings, peakMemoryBytes: 1 },
    objective: null,
  };
  const measures = { nll: 15, wellFormed: 0.9, attainable };
  const reference = referenceOutcome(trained, settings, measures);
  const runs = gridPoints(settings).map((point, i) => {
    const rows = [0, ...TINY.evaluation.steps].map((step) => {
      const x = step * (1 + i / 10) + point.seed / 7;
      const measured = {
        ...{ goldReward: x / 5, kl: x / 3, length: 10 + x, broken: x / 30 },
        ...{ distinct2: 0.1, accuracy: 0.6, chosen: -x, rejected: -2 * x },
        ...{ loss: 0.6, gradNorm: 1 },
      };
      return { step, ...(step === 0 ? START : measured) };
    });
    const { seed } = point;
    const { step: _, ...last } = rows.at(-1)!;
    const outcome = {
      ...{ rows, timings, peakMemoryBytes: 1, objective: null, data: [] },
      seeds: { run: seed },
      model: { ...reference.model, weights: policyOf(model).weights },
      summary: { ...last, goldAccuracy: 0.75 + seed / 100 },
    };
    return recordRun(point, outcome, context);
  });
  return [recordRun(null, reference, context), ...runs];
}
