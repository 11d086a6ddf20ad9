import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { Tensors } from "lib/onnx/session.ts";
import { Rng } from "lib/rng.ts";
import { mean } from "lib/train/metrics.ts";
import { attainableFrontier, type AttainablePoint } from "./attainable.ts";
import { Evaluator } from "./evaluation.ts";
import { entropy } from "./grammar.ts";
import {
  exampleOf,
  policyOf,
  type ReferenceModel,
  reviews,
  type TrainedReference,
} from "./reference_model.ts";
import type { FrontierSettings } from "./settings.ts";
import { type SeedData, Training } from "./training.ts";
import {
  goldReward,
  isWellFormed,
  labelPair,
  PROMPTS,
  type Review,
} from "./world.ts";

export const { url } = import.meta;

/** Compiles the graphs that the jobs share. */
export async function createJobs(
  { settings, shared, device }: JobSetup<FrontierSettings, TrainedReference>,
): Promise<JobTable<ExperimentJobs<SeedData>>> {
  const { model, model: { config, weights } } = shared;
  const evaluator = await Evaluator.create(settings.evaluation, {
    policy: fullPolicy(config, weights),
    reference: weights,
    device,
  });
  const parameters = parametersOf(model);
  const training = new Training({ settings, model, device });
  return {
    jobs: {
      reference: () =>
        measureReference(shared, { settings, evaluator, parameters }),
      prepare: (seed) =>
        prepareSeed(seed, { settings, evaluator, parameters, training }),
      run: ({ point, data }) =>
        training.run(
          point,
          data,
          (parameters, step) =>
            evaluator.evaluate(parameters, {
              rng: evaluationStream(point.seed, step),
              heldOut: data.heldOut,
            }),
        ),
    },
    release: async () => {
      await training.release();
      await evaluator.release();
    },
  };
}

interface MeasureOptions {
  settings: FrontierSettings;
  evaluator: Evaluator;
  /** π_ref. */
  parameters: Tensors;
}

/** Measures π_ref, and estimates the frontier that no policy can cross. */
async function measureReference(
  { model, ...trained }: TrainedReference,
  { settings, evaluator, parameters }: MeasureOptions,
): Promise<Outcome> {
  const { referenceModel, attainable } = settings;
  const { seed, samplesPerPrompt: samples, ...rest } = attainable;
  const rng = new Rng(seed).split("attainable");
  const sampled = await evaluator.sample(parameters, { samples, rng });
  const rewards = PROMPTS.map((_, i) =>
    sampled.slice(i * samples, (i + 1) * samples)
      .map(({ completion }) => goldReward(completion))
  );
  const unseen = new Rng(referenceModel.seed).split("held out");
  const examples = reviews(referenceModel.heldOut, unseen).map(exampleOf);
  const logProbs = await evaluator.score(examples, parameters);
  return referenceOutcome({ model, ...trained }, settings, {
    nll: -mean(logProbs.flat()),
    wellFormed: mean(sampled.map((review) => Number(isWellFormed(review)))),
    attainable: attainableFrontier(rewards, rest),
  });
}

/** Measures of π_ref. */
export interface ReferenceMeasures {
  /** Negative log-likelihood of the grammar's reviews, nats a completion. */
  readonly nll: number;
  /** Share of its samples that the grammar could have written. */
  readonly wellFormed: number;
  readonly attainable: readonly AttainablePoint[];
}

/** The parts of the record of π_ref that its measurement knows. */
export function referenceOutcome(
  { model, ...trained }: TrainedReference,
  settings: FrontierSettings,
  { attainable, ...numbers }: ReferenceMeasures,
): Outcome {
  const { source, tokenizer, weights } = policyOf(model);
  const total = countParameters(parameterNames(model.config));
  return {
    ...trained,
    seeds: {
      model: settings.referenceModel.seed,
      attainable: settings.attainable.seed,
    },
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

/** Samples a seed's pairs from π_ref, labels them, and computes log π_ref. */
async function prepareSeed(
  seed: number,
  { settings, evaluator, parameters, training }: MeasureOptions & {
    training: Training;
  },
): Promise<SeedData> {
  const { preferences } = settings;
  const rng = new Rng(seed);
  const draw = async (label: string, perPrompt: number) => {
    const stream = rng.split(label);
    const reviews = await evaluator.sample(parameters, {
      samples: 2 * perPrompt,
      rng: stream.split("samples"),
    });
    return pairsOf(reviews).map((pair) =>
      labelPair(pair, stream, preferences.noise)
    );
  };
  const pairs = await draw("pairs", preferences.pairsPerPrompt);
  const unseen = await draw("held out", preferences.heldOutPerPrompt);
  const heldOut = {
    pairs: unseen,
    refLogProbs: await evaluator.score(unseen, parameters),
  };
  const rows = await training.referenceRows({ seed, pairs });
  return {
    seed,
    pairs,
    heldOut,
    reference: { rows, logProbs: await evaluator.score(rows, parameters) },
    start: await evaluator.evaluate(parameters, {
      rng: evaluationStream(seed, 0),
      heldOut,
    }),
  };
}

/** Random numbers of a policy's samples, the same for all methods. */
function evaluationStream(seed: number, step: number): Rng {
  return new Rng(seed).split(`evaluation/${step}`);
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

function parametersOf({ config, weights }: ReferenceModel): Tensors {
  return Object.fromEntries(
    parameterNames(config).map((
      { name, shape },
    ) => [name, { data: weights.get(name)!, shape }]),
  );
}
