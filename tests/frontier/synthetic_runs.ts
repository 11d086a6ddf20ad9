import {
  type Circumstances,
  referenceRecord,
  runRecord,
  type StoredRun,
} from "experiments/frontier/records.ts";
import { specsOf } from "experiments/frontier/stages.ts";
import { randomDecoder } from "../models/random_decoder.ts";
import { TINY } from "./tiny_settings.ts";

const START = {
  ...{ goldReward: 0, kl: 0, length: 10, distinct2: 0.1, broken: 0.2 },
  ...{ accuracy: null, chosen: 0, rejected: 0, loss: null, gradNorm: null },
};

/** Records of runs that never were: numbers that tell them apart. */
export function syntheticRuns(): StoredRun[] {
  const circumstances: Circumstances = {
    settings: TINY,
    device: "cpu",
    provenance: null,
  };
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
  const summary = { nll: 15, entropy: 14.5, wellFormed: 0.9, attainable };
  const reference = referenceRecord(
    { model, rows: [{ step: 40, loss: 1.5 }], timings, summary },
    circumstances,
  );
  const runs = specsOf(TINY).map((spec, i) => {
    const rows = [0, ...TINY.evaluation.steps].map((step) => {
      const x = step * (1 + i / 10) + spec.seed / 7;
      const measured = {
        ...{ goldReward: x / 5, kl: x / 3, length: 10 + x, broken: x / 30 },
        ...{ distinct2: 0.1, accuracy: 0.6, chosen: -x, rejected: -2 * x },
        ...{ loss: 0.6, gradNorm: 1 },
      };
      return { step, ...(step === 0 ? START : measured) };
    });
    const { seed } = spec;
    const heldOut = { pairs: [], refLogProbs: [] };
    const data = {
      ...{ seed, pairs: [], heldOut },
      reference: { rows: [], logProbs: [] },
      start: { ...START, accuracy: 0 },
    };
    const outcome = { rows, timings, peakMemoryBytes: 1 };
    const run = runRecord({ spec, outcome, data, model }, circumstances);
    run.record.summary["goldAccuracy"] = 0.75 + spec.seed / 100;
    return run;
  });
  return [reference, ...runs];
}
