import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { DataPoint } from "lib/experiment/grid.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import { Rng } from "lib/rng.ts";
import { mean } from "lib/train/metrics.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import { attainableFrontier, type AttainablePoint } from "./attainable.ts";
import { Evaluator } from "./evaluation.ts";
import { entropy } from "./grammar.ts";
import {
  exampleOf,
  policyOf,
  reviews,
  type TrainedReference,
  trainReference,
} from "./reference_model.ts";
import { exactNumbers } from "./exact.ts";
import { tiltByRewardModel } from "./reward_model.ts";
import type { ReviewsSettings } from "./settings.ts";
import {
  type RunSeeds,
  type Scored,
  type SeedData,
  streamOf,
  Training,
} from "./training.ts";
import {
  decode,
  goldReward,
  isWellFormed,
  labelPair,
  PROMPTS,
  type Review,
} from "./world.ts";

export const { url } = import.meta;

type Jobs = ExperimentJobs<TrainedReference, SeedData>;

/** The jobs of experiments in the world of reviews. */
export function createJobs(
  { settings, device }: JobSetup<ReviewsSettings>,
): Promise<JobTable<Jobs>> {
  const benches = new Benches(settings, device);
  return Promise.resolve({
    jobs: {
      start: (seed) => trainReference(settings, { seed, device }),
      exact: () => exactNumbers(settings),
      reference: async ({ draw, start }) =>
        await measureReference(await benches.of(draw, start), draw),
      prepare: async ({ draw, start, ...point }) =>
        await prepareData(await benches.of(draw, start), { draw, ...point }),
      run: async ({ point, start, data }) => {
        const { training, evaluator } = await benches.of(point.draw, start);
        let samples: string[] = [];
        const outcome = await training.run(
          point,
          data,
          async (parameters, step) => {
            const { measures, reviews } = await evaluator.evaluate(parameters, {
              rng: evaluationStream(point, step),
              heldOut: data.heldOut,
            });
            samples = textsOf(reviews);
            return measures;
          },
        );
        return { ...outcome, summary: { ...outcome.summary, samples } };
      },
    },
    release: () => benches.release(),
  });
}

/** Compiled graphs around one π_ref. */
interface Bench {
  readonly settings: ReviewsSettings;
  readonly start: TrainedReference;
  readonly evaluator: Evaluator;
  readonly training: Training;
  /** π_ref. */
  readonly parameters: Tensors;
}

/** Keeps the graphs of the draw that was used last. */
class Benches {
  #draw: number | undefined;
  #bench: Bench | undefined;

  constructor(
    private readonly settings: ReviewsSettings,
    private readonly device: Device,
  ) {}

  async of(draw: number, start: TrainedReference): Promise<Bench> {
    if (this.#draw === draw && this.#bench) return this.#bench;
    await this.release();
    const { settings, device } = this;
    const { model, model: { config, weights } } = start;
    const evaluator = await Evaluator.create(settings.evaluation, {
      policy: fullPolicy(config, weights),
      reference: weights,
      device,
    });
    const training = new Training({ settings, model, device });
    const parameters = tensorsOf(parameterNames(model.config), model.weights);
    this.#draw = draw;
    this.#bench = { settings, start, evaluator, training, parameters };
    return this.#bench;
  }

  async release(): Promise<void> {
    const bench = this.#bench;
    this.#bench = undefined;
    await bench?.training.release();
    await bench?.evaluator.release();
  }
}

/** Measures π_ref, and estimates the frontier that no policy can cross. */
async function measureReference(
  { settings, start, evaluator, parameters }: Bench,
  draw: number,
): Promise<Outcome> {
  const { referenceModel, attainable } = settings;
  const { seed, samplesPerPrompt: samples, ...rest } = attainable;
  const rng = new Rng(seed).split(`attainable/${draw}`);
  const sampled = await evaluator.sample(parameters, { samples, rng });
  const rewards = PROMPTS.map((_, i) =>
    sampled.slice(i * samples, (i + 1) * samples)
      .map(({ completion }) => goldReward(completion))
  );
  const unseen = new Rng(draw).split("held out");
  const examples = reviews(referenceModel.heldOut, unseen).map(exampleOf);
  const logProbs = await evaluator.score(examples, parameters);
  return referenceOutcome(start, { draw, attainableSeed: seed }, {
    goldReward: mean(rewards.flat()),
    nll: -mean(logProbs.flat()),
    wellFormed: mean(sampled.map((review) => Number(isWellFormed(review)))),
    attainable: attainableFrontier(rewards, rest),
  });
}

/** Measures of π_ref. */
export interface ReferenceMeasures {
  /** Mean gold reward of its samples. */
  readonly goldReward: number;
  /** Negative log-likelihood of the grammar's reviews, nats a completion. */
  readonly nll: number;
  /** Share of its samples that the grammar could have written. */
  readonly wellFormed: number;
  readonly attainable: readonly AttainablePoint[];
}

/** The parts of the record of π_ref that its measurement knows. */
export function referenceOutcome(
  { model, ...trained }: TrainedReference,
  seeds: { draw: number; attainableSeed: number },
  { attainable, ...numbers }: ReferenceMeasures,
): Outcome {
  const { source, tokenizer, weights } = policyOf(model);
  const total = countParameters(parameterNames(model.config));
  return {
    ...trained,
    seeds: { model: seeds.draw, attainable: seeds.attainableSeed },
    data: [],
    model: {
      ...{ source, tokenizer, weights: null, adapter: null },
      parameters: { total, trainable: total },
    },
    summary: {
      ...numbers,
      // Mean over prompts, in nats a review.
      entropy: mean(PROMPTS.map(({ reviews }) => entropy(reviews))),
      weights,
      attainable: attainable.map((point) => ({ ...point })),
    },
  };
}

/** Samples pairs from π_ref, labels them, and computes log π_ref. */
async function prepareData(
  { settings, evaluator, parameters, training }: Bench,
  { draw, seed, level }: DataPoint,
): Promise<SeedData> {
  const { flip = 0, pairs: scale = 1 } = level;
  const { preferences } = settings;
  const noise = { temperature: preferences.temperature, flip };
  const rng = streamOf({ draw, seed });
  const sampled = async (label: string, perPrompt: number) => {
    const stream = rng.split(label);
    const reviews = await evaluator.sample(parameters, {
      samples: 2 * perPrompt,
      rng: stream.split("samples"),
    });
    return pairsOf(reviews).map((pair) => labelPair(pair, stream, noise));
  };
  const pairs = await sampled("pairs", preferences.pairsPerPrompt * scale);
  const unseen = await sampled("held out", preferences.heldOutPerPrompt);
  const heldOut = {
    pairs: unseen,
    refLogProbs: await evaluator.score(unseen, parameters),
  };
  const data = { draw, seed, pairs };
  const reference = new Map<string, Scored>();
  for (const method of settings.methods) {
    if (reference.has(method.loss)) continue;
    // In batches of their own: numbers depend on their company in a batch.
    const rows = await training.referenceRows(method, { ...data, level });
    const logProbs = await evaluator.score(rows, parameters);
    reference.set(method.loss, { rows, logProbs });
  }
  const { measures } = await evaluator.evaluate(parameters, {
    rng: evaluationStream(data, 0),
    heldOut,
  });
  return {
    ...{ ...data, heldOut, reference },
    rewardModel: await tiltByRewardModel(pairs, rng.split("reward model")),
    start: measures,
  };
}

/** The first samples of three prompts. */
function textsOf(reviews: readonly Review[]): string[] {
  const perPrompt = reviews.length / PROMPTS.length;
  return [0, 7, 14].map((prompt) =>
    decode(reviews[prompt * perPrompt]!.completion)
  );
}

/** Random numbers of a policy's samples, the same for all methods. */
function evaluationStream(run: RunSeeds, step: number): Rng {
  return streamOf(run).split(`evaluation/${step}`);
}

/** Pairs of neighbours, which answer the same prompt. */
function pairsOf(reviews: readonly Review[]) {
  return Array.from({ length: reviews.length / 2 }, (_, i) => {
    const [first, second] = [reviews[2 * i]!, reviews[2 * i + 1]!];
    return {
      prompt: first.prompt,
      completions: [first.completion, second.completion],
    } as const;
  });
}
