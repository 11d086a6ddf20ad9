import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import { type GridPoint, lossOptionsAt } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { examplesFor } from "lib/data/examples_for_loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { Device } from "lib/onnx/providers.ts";
import { Rng } from "lib/rng.ts";
import { measuredAt, type Measuring } from "lib/run/measures.ts";
import { loadModel, type RunModel } from "lib/run/inputs.ts";
import { modelRecord } from "lib/run/record.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { Trainers } from "lib/run/trainers.ts";
import { marginsOf, Meter, pairMeasures } from "./meter.ts";
import { type Preferences, readPreferences } from "./preferences.ts";
import type { ComparisonSettings } from "./settings.ts";

export const { url } = import.meta;

type Jobs = ExperimentJobs<null, null>;

/** The jobs of a comparison. Model and data are opened when first needed. */
export function createJobs(
  { settings, device }: JobSetup<ComparisonSettings>,
): Promise<JobTable<Jobs>> {
  let opened: Promise<Bench> | undefined;
  const bench = () => opened ??= Bench.open(settings, device);
  return Promise.resolve({
    jobs: {
      start: () => Promise.resolve(null),
      exact: () => Promise.resolve(null),
      reference: async () => await (await bench()).reference(),
      prepare: () => Promise.resolve(null),
      run: async ({ point }) => await (await bench()).run(point),
    },
    release: async () => await (await opened)?.release(),
  });
}

/** A model, preferences and compiled graphs, for the runs of a process. */
class Bench {
  readonly #trainers = new Trainers();

  private constructor(
    private readonly settings: ComparisonSettings,
    private readonly device: Device,
    private readonly model: RunModel,
    private readonly preferences: Preferences,
    private readonly meter: Meter,
  ) {}

  static async open(
    settings: ComparisonSettings,
    device: Device,
  ): Promise<Bench> {
    // Adapters of every seed have one shape, and begin at no weight.
    const { model, tokenizer } = await loadModel(
      { ...settings.train, seed: 0 },
      {},
    );
    const { policy, policy: { config } } = model;
    const preferences = await readPreferences(settings, { tokenizer, config });
    const { heldOut } = preferences;
    const { threads } = settings.train;
    const meter = new Meter({
      ...{ settings, policy, heldOut, tokenizer, device, threads },
    });
    return new Bench(settings, device, model, preferences, meter);
  }

  /** Measures the model before training. */
  async reference(): Promise<Outcome> {
    const { model, meter, preferences } = this;
    const before = await meter.reference();
    const { measures, texts } = await meter.answers(
      meter.initial,
      answerStream(0),
    );
    return {
      rows: [],
      seeds: { answers: 0 },
      data: [preferences.heldOutSource],
      model: modelRecord({
        ...{ ...model, weights: model.hash, gguf: model.place?.gguf ?? null },
      }),
      summary: {
        ...pairMeasures(before, before),
        ...measures,
        weights: model.hash,
        prompts: [...meter.promptTexts],
        promptOfPair: [...meter.promptOfPair],
        answers: [...texts],
      },
    };
  }

  async run(point: GridPoint): Promise<Outcome> {
    const { preferences } = this;
    let last: Last | undefined;
    const finished = await run(this.#settings(point), {
      inputs: { data: preferences.train },
      measuring: this.#measuring(point, (found) => last = found),
      trainers: this.#trainers,
    });
    const { record, rows } = finished!;
    const { objective, seeds, model, timings, peakMemoryBytes } = record;
    const { step: _step, ...summary } = record.summary;
    return {
      ...{ rows, objective, seeds, model, timings, peakMemoryBytes },
      data: [...record.data, preferences.heldOutSource],
      summary: {
        ...summary,
        margins: [...last!.margins],
        answers: [...last!.texts],
      },
    };
  }

  async release(): Promise<void> {
    await this.#trainers.release();
    await this.meter.release();
  }

  #settings(point: GridPoint): GivenSettings {
    const { settings: { train }, device, preferences: { train: pairs } } = this;
    const { data } = findLoss(point.loss);
    const read = examplesFor(pairs, data).length / pairs.examples.length;
    const { loss, seed, level: { lr = point.learningRate } } = point;
    return {
      ...train,
      ...{ loss, learningRate: lr, seed, device, evalData: null },
      // Each method sees the same pairs equally often.
      batch: train.batch * read,
      options: lossOptionsAt(point),
    };
  }

  /** Measures pairs at equal distances, and answers at the end. */
  #measuring(point: GridPoint, onLast: (last: Last) => void): Measuring {
    const { meter, settings: { evaluation } } = this;
    return async (trainer, plan, reference) => {
      const before = await meter.reference();
      const steps = evenly(evaluation.times, plan.batches.length);
      const start = { ...pairMeasures(before, before), ...NO_ANSWERS };
      const measuring = measuredAt(steps, {
        // No pair is told apart where the policy is the reference.
        start: { ...start, accuracy: null },
        measure: async (parameters, step) => {
          const logProbs = await meter.pairs(parameters);
          const measures = pairMeasures(logProbs, before);
          if (step < steps.at(-1)!) return { ...measures, ...NO_ANSWERS };
          const rng = answerStream(point.seed);
          const answers = await meter.answers(parameters, rng);
          const { texts } = answers;
          onLast({ margins: marginsOf(logProbs, before), texts });
          return { ...measures, ...answers.measures };
        },
      });
      return await measuring(trainer, plan, reference);
    };
  }
}

/** The state at the end of a run that its record has beside measures. */
interface Last {
  readonly margins: readonly number[];
  readonly texts: readonly string[];
}

/** Measures of answers, which are drawn at the end only. */
const NO_ANSWERS = { kl: null, klError: null, length: null, distinct2: null };

/** Random numbers of answers, the same for all methods. */
function answerStream(seed: number): Rng {
  return new Rng(seed).split("answers");
}

/** Steps at equal distances, the last among them. */
export function evenly(times: number, steps: number): number[] {
  const all = Array.from(
    { length: times },
    (_, i) => Math.round((i + 1) * steps / times),
  );
  return [...new Set(all)].filter((step) => step > 0);
}
