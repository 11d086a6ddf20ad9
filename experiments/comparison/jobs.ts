import { join } from "node:path";
import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import { type GridPoint, runName } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import { lossOf } from "lib/experiment/method_losses.ts";
import type { Outcome } from "lib/experiment/records.ts";
import type { ChosenLoss } from "lib/loss_tools/choose.ts";
import type { Device } from "lib/onnx/providers.ts";
import { exists } from "lib/files/missing.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import { Rng } from "lib/rng.ts";
import { FollowedRun } from "lib/run/followed_run.ts";
import { measuredAt, type Measuring } from "lib/run/measures.ts";
import type { RunRecord } from "lib/record/record.ts";
import { modelRecord } from "lib/run/record.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { Trainers } from "lib/run/trainers.ts";
import { type Inputs, sameInputs, sameJudge } from "./contents.ts";
import { type Answers, DIVERGED, type HeldAndChosen, Meter } from "./meter.ts";
import { runSettings } from "./methods.ts";
import type { ComparisonSettings } from "./settings.ts";

export const { url } = import.meta;

type Jobs = ExperimentJobs<null, null>;
type Setup = JobSetup<ComparisonSettings>;

/** The jobs of a comparison. Model and data are opened when first needed. */
export function createJobs(setup: Setup): Promise<JobTable<Jobs>> {
  let opened: Promise<Bench> | undefined;
  const bench = () => opened ??= Bench.open(setup);
  return Promise.resolve({
    jobs: {
      start: () => Promise.resolve(null),
      exact: () => Promise.resolve(null),
      reference: async () => await (await bench()).reference(),
      prepare: () => Promise.resolve(null),
      run: async ({ point }) => await (await bench()).run(point),
    },
    // One that was never opened has failed a job already.
    release: async () => await opened?.then((it) => it.release(), () => {}),
  });
}

/** A model, preferences and compiled graphs, for the runs of a process. */
class Bench {
  /** One: runs of a method follow one another, and models may be large. */
  readonly #trainers = new Trainers(1);

  private constructor(
    private readonly settings: ComparisonSettings,
    private readonly device: Device,
    private readonly inputs: Inputs,
    private readonly meter: Meter,
    private readonly folders: Pick<Setup, "live" | "checkpoints">,
  ) {}

  /** Descriptions of all that runs are measured on. */
  get #measuredOn(): RunRecord["data"] {
    const { preferences, choices } = this.inputs;
    return [preferences.heldOutSource, ...choices ? [choices.source] : []];
  }

  static async open(
    { settings, device, ...folders }: Setup,
  ): Promise<Bench> {
    const inputs = await sameInputs(settings);
    const { model, tokenizer, preferences, controlText, choices } = inputs;
    await using opened = new AsyncDisposableStack();
    const judge = await sameJudge(settings, preferences);
    opened.defer(async () => await judge?.release());
    const { policy } = model;
    const { heldOut, prompts } = preferences;
    const { threads } = settings.train;
    const meter = await Meter.open({
      ...{ settings, policy, heldOut, prompts, tokenizer, controlText },
      ...{ choices, judge, device, threads },
    });
    opened.move(); // The meter releases it.
    return new Bench(settings, device, inputs, meter, folders);
  }

  /** Measures the model before training. */
  async reference(): Promise<Outcome> {
    const { inputs: { model }, meter } = this;
    const held = await meter.held(meter.initial, 0);
    const answers = await meter.answers(meter.initial, answerStream(0));
    return {
      rows: [],
      seeds: { answers: 0 },
      data: this.#measuredOn,
      model: this.#modelRecord(),
      summary: {
        ...held.measures,
        ...answers.measures,
        weights: model.hash,
        prompts: [...meter.promptTexts],
        promptOfPair: [...meter.promptOfPair],
        ...chosenRecord(held),
        ...answersRecord(answers),
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
    const { preferences, losses } = this.inputs;
    const loss = lossOf(losses, point);
    const { live } = this.folders;
    let last: Last | undefined;
    using followed = live === undefined
      ? null
      : new FollowedRun(join(live, runName(point)));
    const kept = await this.#kept(point);
    const finished = await run(this.#settings(point, loss), {
      ...{ ...followed?.hooks, ...kept },
      inputs: { data: preferences.train, loss },
      measuring: this.#measuring(point, (found) => last = found),
      trainers: this.#trainers,
    });
    const { record, rows } = finished!;
    if (kept) await Deno.remove(kept.out, { recursive: true });
    const { objective, seeds, model, timings, peakMemoryBytes } = record;
    const { step: _step, ...summary } = record.summary;
    return {
      ...{ rows, objective, seeds, model, timings, peakMemoryBytes },
      data: [...record.data, ...this.#measuredOn],
      summary: {
        ...summary,
        margins: [...last!.margins],
        correct: [...last!.correct],
        ...chosenRecord(last!),
        ...answersRecord(last!),
      },
    };
  }

  /** Where a run keeps the state from which it goes on; `null` for nowhere. */
  async #kept(point: GridPoint): Promise<{ out: string; resume: true } | null> {
    const { checkpoints } = this.folders;
    if (checkpoints === undefined) return null;
    const out = join(checkpoints, runName(point));
    // One that has ended lacks what was measured beside it.
    if (await exists(join(out, "run.json"))) {
      await Deno.remove(out, { recursive: true });
    }
    return { out, resume: true };
  }

  async release(): Promise<void> {
    await this.#trainers.release();
    await this.meter.release();
  }

  #settings(point: GridPoint, { loss }: ChosenLoss): GivenSettings {
    const { settings: { train }, device } = this;
    return { ...runSettings(point, { train, loss }), device };
  }

  #modelRecord(): RunRecord["model"] {
    const { model } = this.inputs;
    const gguf = model.place?.gguf ?? null;
    return modelRecord({ ...model, weights: model.hash, gguf });
  }

  /** The outcome of a trial that diverged: it tells no pair apart. */
  #diverged({ message }: Error): Outcome {
    const { inputs: { preferences: { train, heldOut } }, meter } = this;
    return {
      rows: [{ step: 0, accuracy: 0 }],
      data: [train.description, ...this.#measuredOn],
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
      const start = await meter.held(meter.initial, 0);
      const steps = evenly(evaluation.times, plan.batches.length);
      const end = steps.at(-1)!;
      let hasEnded = false;
      const atEnd = async (parameters: Tensors) => {
        const { measures, ...held } = await meter.held(parameters, end);
        const rng = answerStream(point.seed);
        const answers = await meter.answers(parameters, rng);
        onLast({ ...held, ...answers });
        hasEnded = true;
        return { ...measures, ...answers.measures };
      };
      const measuring = measuredAt(steps, {
        start: { ...start.measures, ...meter.unanswered },
        measure: async (parameters, step) => {
          if (step === end) return await atEnd(parameters);
          const { measures } = await meter.held(parameters, step);
          return { ...measures, ...meter.unanswered };
        },
      });
      return {
        ...await measuring(trainer, plan, reference),
        // A run that goes on from its last step has the line already.
        summary: async () => {
          if (!hasEnded) await atEnd(trainer.parameters);
          return {};
        },
      };
    };
  }
}

function isDivergence(error: unknown): error is RangeError {
  return error instanceof RangeError && error.message.startsWith(DIVERGED);
}

/** The state at the end of a run that its record has beside measures. */
type Last = Omit<HeldAndChosen & Answers, "measures">;

/** Answers as a record has them, with their scores where there is a judge. */
function answersRecord(
  { texts, scored }: Omit<Answers, "measures">,
): RunRecord["summary"] {
  return {
    answers: [...texts],
    ...scored && { scores: [...scored.scores] },
    ...scored && scored.cut > 0 && { promptsCutForJudge: scored.cut },
  };
}

/** MC1 and MC2 of each question, as a record has them. */
function chosenRecord(
  { chosen }: Pick<HeldAndChosen, "chosen">,
): RunRecord["summary"] {
  return chosen ? { choices: { mc1: chosen.mc1, mc2: chosen.mc2 } } : {};
}

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
