import { join } from "node:path";
import { referenceOutcome } from "experiments/reviews/jobs.ts";
import type { ReviewsSettings } from "experiments/reviews/settings.ts";
import { policyOf } from "experiments/reviews/reference_model.ts";
import { gridPoints } from "lib/experiment/grid.ts";
import { IDENTITY } from "lib/experiment/identity.ts";
import {
  exactOf,
  type Outcome,
  recordRun,
  writeRun,
} from "lib/experiment/records.ts";
import { Clock, type RecordedRun } from "lib/record/record.ts";
import { randomDecoder } from "../models/random_decoder.ts";
import { TINY } from "./tiny_settings.ts";

const START = {
  ...{ goldReward: 0, kl: 0, length: 10, distinct2: 0.1, broken: 0.2 },
  ...{ accuracy: null, chosen: 0, rejected: 0, loss: null, gradNorm: null },
};

/** Records of runs that never were: numbers that tell them apart. */
export function syntheticRuns(settings = TINY): RecordedRun[] {
  const context = {
    experiment: "frontier",
    settings,
    device: "cpu",
    provenance: null,
  } as const;
  const config = TINY.referenceModel.config;
  const { policy: { initial } } = randomDecoder(config);
  const model = { config, weights: initial };
  const attainable = [3, 1].map((beta) => ({
    ...{ beta, reward: 2 / beta, kl: 1 / beta, effectiveSamples: 20 },
  }));
  const timings = new Clock().timings();
  const trained = { model, rows: [{ step: 40, loss: 1.5 }], objective: null };
  const measures = { nll: 15, goldReward: 0, wellFormed: 0.9, attainable };
  const outcomeOf = (draw: number) =>
    referenceOutcome(trained, { draw, attainableSeed: 0 }, measures);
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
    const { step: _, ...last } = rows.at(-1)!;
    const { weights } = policyOf(model);
    const outcome = {
      ...{ rows, timings },
      model: { ...outcomeOf(0).model!, weights },
      summary: {
        ...last,
        goldAccuracy: 0.75 + point.seed / 100,
        rewardModel: [{ beta: 1, reward: 1.5, kl: 1 }],
        samples: ["it is good . </s>"],
      },
    };
    return recordRun({ point }, outcome, context);
  });
  const references = settings.draws.map((draw) =>
    recordRun({ draw }, { timings, ...outcomeOf(draw) }, context)
  );
  const exact = recordRun(exactOf(settings), {
    timings,
    ...exactOutcome(settings),
  }, context);
  return [exact, ...references, ...runs];
}

function exactOutcome({ methods }: ReviewsSettings): Outcome {
  const optima = methods.map(({ loss, options }) => ({
    ...{ loss, options, flip: 0 },
    ...loss === "dpo"
      ? { kind: "attained", reward: 1.9, kl: 1 }
      : { kind: "none", why: "made up" },
  }));
  const attainable = [1, 2, 3].map((x) => ({
    beta: 1 / x,
    reward: x,
    kl: x * x,
  }));
  const bestOf = [{ n: 4, reward: 1, kl: 1 }];
  return {
    rows: [],
    summary: { attainable, bestOf, optima, accuracyCeiling: 0.8 },
  };
}

/** Writes their records as the results in a folder. */
export async function writeSyntheticRuns(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const run of syntheticRuns()) await writeRun(folder, run);
  const { methods, draws, seeds, levels } = TINY;
  const grid = { methods, draws, seeds, levels };
  const text = JSON.stringify({ identity: null, grid });
  await Deno.writeTextFile(join(folder, IDENTITY), text);
}
