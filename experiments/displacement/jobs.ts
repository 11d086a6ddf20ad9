import type { Example } from "lib/data/example.ts";
import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { GridPoint } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/session.ts";
import { Rng } from "lib/rng.ts";
import { measuredAt } from "lib/run/measures.ts";
import { run } from "lib/run/run.ts";
import { klDivergence } from "lib/stats/distribution.ts";
import type { ForwardPass } from "lib/train/forward_pass.ts";
import { mean } from "lib/train/metrics.ts";
import { referenceOf } from "lib/train/reference.ts";
import { type Bench, Benches } from "../answers/bench.ts";
import {
  decoderPolicy,
  sourceOf,
  type Start,
  trainDecoder,
} from "../answers/decoder.ts";
import type { DisplacementSettings } from "./settings.ts";
import {
  drawPairs,
  drawWorld,
  likenessOf,
  measurePairs,
  type Pairs,
  sampleAnswer,
} from "./world.ts";

export const { url } = import.meta;

type Scores = readonly (readonly number[])[];

/** Runs of one-token answers: the softmax of each prompt is known as a whole. */
export function createJobs(
  { settings, device }: JobSetup<DisplacementSettings>,
): Promise<JobTable<ExperimentJobs<Start, Pairs>>> {
  const rows = allRows(settings);
  const benches = new Benches<Scores>(device, {
    policyOf: (start) => decoderPolicy(start, null),
    scoreAll: (forward: ForwardPass, parameters: Tensors) =>
      forward.logProbs(rows, { parameters }),
  });
  const jobs: JobTable<ExperimentJobs<Start, Pairs>>["jobs"] = {
    start: (draw) => trainReference(settings, { draw, device }),
    exact: () => Promise.resolve(null),
    reference: async ({ draw, start }) =>
      describeReference(await benches.of(draw, start), settings),
    prepare: async ({ draw, seed, level, start }) => {
      const { reference } = await benches.of(draw, start);
      const rng = new Rng(seed).split(`displacement/${draw}`).split("pairs");
      const likeness = likenessOf(start.weights, settings.world.answers);
      return drawPairs({ level, reference, likeness, rng });
    },
    run: async ({ point, start, data }) =>
      await trainRun(await benches.of(point.draw, start), {
        ...{ settings, point, data, device },
      }),
  };
  return Promise.resolve({ jobs, release: () => benches.release() });
}

/** Every answer to every prompt: answers are the first tokens. */
function allRows({ world: { answers, prompts } }: DisplacementSettings) {
  const completions = Array.from({ length: answers }, (_, answer) => [answer]);
  return Array.from({ length: prompts }, (_, prompt) => ({
    ...{ prompt: [answers + prompt], completions },
  }));
}

function trainReference(
  { world, referenceModel }: DisplacementSettings,
  { draw, device }: { draw: number; device: Device },
): Promise<Start> {
  const { truth } = drawWorld(draw, world);
  const rng = new Rng(draw).split("displacement/reference");
  const sample = rng.split("answers");
  const { batch, steps } = referenceModel;
  const examples = Array.from({ length: batch * steps }, () => {
    const prompt = Math.floor(sample.uniform() * world.prompts);
    const answer = sampleAnswer(truth[prompt]!, sample);
    return { prompt: [world.answers + prompt], completions: [[answer]] };
  });
  return trainDecoder(referenceModel, {
    ...{ examples, called: "answers of the world", tokenizer: null },
    vocabSize: world.answers + world.prompts,
    ...{ rng: rng.split("weights"), draw, device },
  });
}

/** The record of π_ref: how near it came to the world. */
function describeReference(
  { start: { config, weights: _, ...trained }, draw, policy, reference }: Bench<
    Scores
  >,
  { world }: DisplacementSettings,
): Outcome {
  const { source, weights } = policy;
  const total = countParameters(parameterNames(config));
  const { truth } = drawWorld(draw, world);
  const over = (of: (logProbs: readonly number[], prompt: number) => number) =>
    mean(reference.map(of));
  return {
    ...trained,
    model: {
      ...{ source, tokenizer: null, weights: null, adapter: null },
      parameters: { total, trainable: total },
    },
    summary: {
      weights,
      answers: over((logProbs) =>
        logProbs.reduce((sum, x) => sum + Math.exp(x), 0)
      ),
      likeliest: over((logProbs) => Math.exp(Math.max(...logProbs))),
      klFromWorld: over((logProbs, prompt) =>
        klDivergence(truth[prompt]!, logProbs)
      ),
    },
  };
}

async function trainRun(
  { policy, reference, trainers, score }: Bench<Scores>,
  { settings, point, data, device }: {
    readonly settings: DisplacementSettings;
    readonly point: GridPoint;
    readonly data: Pairs;
    readonly device: Device;
  },
): Promise<Outcome> {
  const { world, training, evaluation } = settings;
  const { draw, seed, loss, options, learningRate } = point;
  const examples = data.trained.map((
    { prompt, chosen, rejected },
  ): Example => ({
    prompt: [world.answers + prompt],
    completions: [[chosen], [rejected]],
  }));
  const called = `pairs of answers of draw ${draw}, seed ${seed}`;
  const { meanings } = drawWorld(draw, world);
  const measured = (logProbs: Scores) =>
    measurePairs(logProbs, { reference, pairs: data.measured, meanings });
  const finished = await run({
    ...{ model: policy.source, data: called, loss, tuning: { kind: "full" } },
    ...{ options: { ...options }, ...training, learningRate, seed },
    // A prompt alone is a batch of its own.
    batch: Math.min(training.batch, examples.length),
    ...{ device, threads: 1 },
  }, {
    inputs: {
      policy,
      data: {
        ...{ kind: "pairs", examples },
        description: sourceOf(examples, called),
      },
      reference: referenceOf(allRows(settings), reference),
      shuffle: (epoch, order) =>
        new Rng(seed).split(`displacement/${draw}/order/${epoch}`)
          .shuffle(order),
    },
    measuring: measuredAt(evaluation, {
      start: measured(reference),
      measure: async (parameters) => measured(await score(parameters)),
    }),
    trainers,
  });
  const { record, rows } = finished!;
  const { objective, seeds, model, timings, peakMemoryBytes } = record;
  const { step: _, ...summary } = record.summary;
  return {
    ...{ rows, objective, seeds, model, timings, peakMemoryBytes, summary },
    data: record.data,
  };
}
