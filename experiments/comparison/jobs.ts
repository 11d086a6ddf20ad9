import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { GridPoint } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import type { Device } from "lib/onnx/providers.ts";
import { Rng } from "lib/rng.ts";
import { measuredAt, type Measuring } from "lib/run/measures.ts";
import type { RunModel } from "lib/run/inputs.ts";
import type { RunRecord } from "lib/record/record.ts";
import { modelRecord } from "lib/run/record.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { Trainers } from "lib/run/trainers.ts";
import { sameInputs } from "./contents.ts";
import { DIVERGED, type Held, Meter } from "./meter.ts";
import { runSettings } from "./methods.ts";
import type { Preferences } from "./preferences.ts";
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
  /** One: runs of a method follow one another, and models may be large. */
  readonly #trainers = new Trainers(1);

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
    const { model, tokenizer, preferences, controlText } = await sameInputs(
      settings,
    );
    const { policy } = model;
    const { heldOut } = preferences;
    const { threads } = settings.train;
    const meter = new Meter({
      ...{ settings, policy, heldOut, tokenizer, controlText },
      ...{ device, threads },
    });
    return new Bench(settings, device, model, preferences, meter);
  }

  /** Measures the model before training. */
  async reference(): Promise<Outcome> {
    const { model, meter, preferences } = this;
    const held = await meter.held(meter.initial);
    const { measures, texts } = await meter.answers(
      meter.initial,
      answerStream(0),
    );
    return {
      rows: [],
      seeds: { answers: 0 },
      data: [preferences.heldOutSource],
      model: this.#modelRecord(),
      summary: {
        ...held.measures,
        ...measures,
        weights: model.hash,
        prompts: [...meter.promptTexts],
        promptOfPair: [...meter.promptOfPair],
        answers: [...texts],
      },
    };
  }

  /** A rate to choose among others may be too large: that is its result. */
  async run(point: GridPoint): Promise<Outcome> {
    try {
      return await this.#run(point);
    } catch (error) {
      const isTrial = this.settings.heldOut.isDev;
      if (isTrial && isDivergence(error)) return this.#diverged(error);
      throw error;
    }
  }

  async #run(point: GridPoint): Promise<Outcome> {
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
        correct: [...last!.correct],
        answers: [...last!.texts],
      },
    };
  }

  async release(): Promise<void> {
    await this.#trainers.release();
    await this.meter.release();
  }

  #settings(point: GridPoint): GivenSettings {
    return { ...runSettings(point, this.settings.train), device: this.device };
  }

  #modelRecord(): RunRecord["model"] {
    const { model } = this;
    const gguf = model.place?.gguf ?? null;
    return modelRecord({ ...model, weights: model.hash, gguf });
  }

  /** The outcome of a trial that diverged: it tells no pair apart. */
  #diverged({ message }: Error): Outcome {
    const { preferences: { train, heldOut, heldOutSource }, meter } = this;
    return {
      rows: [{ step: 0, accuracy: 0 }],
      data: [train.description, heldOutSource],
      model: this.#modelRecord(),
      summary: {
        diverged: message,
        margins: heldOut.map(() => 0),
        correct: heldOut.map(() => 0),
        answers: meter.promptTexts.map(() => ""),
      },
    };
  }

  /** Measures pairs at equal distances, and answers at the end. */
  #measuring(point: GridPoint, onLast: (last: Last) => void): Measuring {
    const { meter, settings: { evaluation } } = this;
    return async (trainer, plan, reference) => {
      const start = await meter.held(meter.initial);
      const steps = evenly(evaluation.times, plan.batches.length);
      const measuring = measuredAt(steps, {
        start: { ...start.measures, ...NO_ANSWERS },
        measure: async (parameters, step) => {
          const { measures, ...held } = await meter.held(parameters);
          if (step < steps.at(-1)!) return { ...measures, ...NO_ANSWERS };
          const rng = answerStream(point.seed);
          const answers = await meter.answers(parameters, rng);
          onLast({ ...held, texts: answers.texts });
          return { ...measures, ...answers.measures };
        },
      });
      return await measuring(trainer, plan, reference);
    };
  }
}

function isDivergence(error: unknown): error is RangeError {
  return error instanceof RangeError && error.message.startsWith(DIVERGED);
}

/** The state at the end of a run that its record has beside measures. */
interface Last extends Omit<Held, "measures"> {
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
