import type { Loss } from "lib/losses/loss.ts";
import { type LossOptionValues, resolveOptions } from "lib/losses/options.ts";
import { lossReads } from "lib/losses/requirements.ts";
import { findLoss } from "lib/losses/registry.ts";
import { mean } from "lib/train/metrics.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { fullPolicy, type Policy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/session.ts";
import type { Timings } from "lib/record/record.ts";
import { peakMemory } from "lib/record/environment.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import { referenceOf } from "lib/train/reference.ts";
import { Rng } from "lib/rng.ts";
import { train } from "lib/train/loop.ts";
import { Trainer } from "lib/train/trainer.ts";
import { Evaluator } from "./evaluation.ts";
import { exampleOf, type ReferenceModel, reviews } from "./reference_model.ts";
import {
  evaluationStream,
  planRun,
  prepareSeed,
  type SeedData,
} from "./seed_data.ts";
import type { FrontierSettings } from "./settings.ts";
import { goldReward, isWellFormed, PROMPTS } from "./world.ts";

/** One run: a method at one value of its β or λ, and a seed. */
export interface RunSpec {
  readonly loss: string;
  /** What is varied; see `Method`. */
  readonly option: string | null;
  readonly value: number;
  readonly learningRate: number;
  readonly seed: number;
}

/** What came of a run. */
export interface RunOutcome {
  /** Measures at the start and after each evaluated step. */
  readonly rows: readonly MetricsRow[];
  readonly timings: Timings;
  readonly peakMemoryBytes: number;
}

/** What π_ref is like. */
export interface ReferenceMeasures {
  /** Negative log-likelihood of the grammar's reviews, nats a completion. */
  readonly nll: number;
  /** Share of its samples that a reviewer could have written. */
  readonly wellFormed: number;
  /** Gold rewards of its samples, prompt by prompt. */
  readonly rewards: readonly (readonly number[])[];
}

export interface BenchOptions {
  settings: FrontierSettings;
  reference: ReferenceModel;
  device: Device;
}

/** Where the work of the experiment is done, in this process or another. */
export interface Bench {
  measureReference(): Promise<ReferenceMeasures>;
  prepare(seed: number): Promise<SeedData>;
  run(spec: RunSpec, data: SeedData): Promise<RunOutcome>;
  release(): Promise<void>;
}

/** Compiles each loss once; β, λ and rates are inputs of the compiled graphs. */
export class LocalBench implements Bench {
  readonly #trainers = new Map<string, Promise<Trainer>>();

  private constructor(
    private readonly options: BenchOptions,
    private readonly policy: Policy,
    private readonly evaluator: Evaluator,
  ) {}

  static async create(options: BenchOptions): Promise<Bench> {
    const { settings, reference: { config, weights }, device } = options;
    const policy = fullPolicy(config, weights);
    const evaluator = await Evaluator.create(settings.evaluation, {
      policy,
      reference: weights,
      device,
    });
    return new LocalBench(options, policy, evaluator);
  }

  async measureReference(): Promise<ReferenceMeasures> {
    const { referenceModel, attainable } = this.options.settings;
    const parameters = this.#reference();
    const stream = new Rng(attainable.seed).split("attainable");
    const samples = attainable.samplesPerPrompt;
    const sampled = await this.evaluator.sample(parameters, {
      samples,
      rng: stream,
    });
    const unseen = new Rng(referenceModel.seed).split("held out");
    const examples = reviews(referenceModel.heldOut, unseen).map(exampleOf);
    const logProbs = await this.evaluator.score(examples, parameters);
    return {
      nll: -mean(logProbs.flat()),
      wellFormed: mean(sampled.map((review) => Number(isWellFormed(review)))),
      rewards: PROMPTS.map((_, i) =>
        sampled.slice(i * samples, (i + 1) * samples)
          .map(({ completion }) => goldReward(completion))
      ),
    };
  }

  prepare(seed: number): Promise<SeedData> {
    const { options: { settings }, evaluator } = this;
    return prepareSeed(seed, {
      settings,
      evaluator,
      parameters: this.#reference(),
    });
  }

  async run(spec: RunSpec, data: SeedData): Promise<RunOutcome> {
    const startedAt = new Date().toISOString();
    const clock = performance.now();
    const loss = findLoss(spec.loss);
    const options = optionsOf(spec, loss);
    const trainer = await this.#trainer(loss, options);
    await trainer.restart(this.options.reference.weights);
    const { rows, seconds } = await this.#train(trainer, spec, data);
    const phases = { evaluate: seconds };
    const total = (performance.now() - clock) / 1000;
    return {
      rows,
      timings: { startedAt, seconds: total, phases },
      peakMemoryBytes: peakMemory(),
    };
  }

  async release(): Promise<void> {
    for (const trainer of this.#trainers.values()) {
      await (await trainer).release();
    }
    await this.evaluator.release();
  }

  async #train(trainer: Trainer, spec: RunSpec, data: SeedData) {
    const { settings } = this.options;
    const { loss } = trainer.options;
    const options = optionsOf(spec, loss);
    const { learningRate } = spec;
    const plan = planRun(settings, data, { loss, options, learningRate });
    const rows: MetricsRow[] = [startOf(data)];
    const since: { loss: number; gradNorm: number }[] = [];
    let seconds = 0;
    await train(trainer, plan, {
      reference: lossReads(loss, options).reference
        ? referenceOf(data.reference.rows, data.reference.logProbs)
        : null,
      onStep: async ({ step, loss, gradNorm }) => {
        since.push({ loss: loss!, gradNorm: gradNorm! });
        if (!settings.evaluation.steps.includes(step)) return;
        const clock = performance.now();
        const found = await this.evaluator.evaluate(trainer.parameters, {
          rng: evaluationStream(spec.seed, step),
          heldOut: data.heldOut,
        });
        seconds += (performance.now() - clock) / 1000;
        const steps = since.splice(0);
        rows.push({
          step,
          loss: mean(steps.map(({ loss }) => loss)),
          gradNorm: mean(steps.map(({ gradNorm }) => gradNorm)),
          ...found,
        });
      },
    });
    return { rows, seconds };
  }

  #trainer(loss: Loss, settings: LossOptionValues): Promise<Trainer> {
    const { policy, options: { device } } = this;
    const trainer = this.#trainers.get(loss.id) ?? Trainer.create({
      ...{ policy, loss, settings, device },
      microTokens: 2048,
    });
    this.#trainers.set(loss.id, trainer);
    return trainer;
  }

  #reference(): Tensors {
    const { config, weights } = this.options.reference;
    return Object.fromEntries(
      parameterNames(config).map((
        { name, shape },
      ) => [name, { data: weights.get(name)!, shape }]),
    );
  }
}

function optionsOf({ option, value }: RunSpec, loss: Loss): LossOptionValues {
  const isOfLoss = option !== null && option !== "learningRate";
  return resolveOptions(loss, isOfLoss ? { [option]: value } : {});
}

/** Where the policy is π_ref: no pair is told apart yet. */
function startOf({ start }: SeedData): MetricsRow {
  return { step: 0, loss: null, gradNorm: null, ...start, accuracy: null };
}
