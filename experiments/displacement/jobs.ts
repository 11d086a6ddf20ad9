import type { Example } from "lib/data/example.ts";
import type { ExperimentJobs, JobSetup } from "lib/experiment/definition.ts";
import type { GridPoint, Level } from "lib/experiment/grid.ts";
import type { JobTable } from "lib/experiment/jobs.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
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
  trainFurther,
} from "../answers/decoder.ts";
import { ALIKE, type DisplacementSettings } from "./settings.ts";
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

/** The pairs of a level, and the model that its runs start from. */
interface Lesson {
  readonly pairs: Pairs;
  readonly start: Start;
}

/** Runs of one-token answers: the softmax of each prompt is known as a whole. */
export function createJobs(
  { settings, device }: JobSetup<DisplacementSettings>,
): Promise<JobTable<ExperimentJobs<Start, Lesson>>> {
  const rows = allRows(settings);
  const benches = new Benches<Scores>(device, {
    policyOf: (start) => decoderPolicy(start, null),
    scoreAll: (forward: ForwardPass, parameters: Tensors) =>
      forward.logProbs(rows, { parameters }),
  });
  const jobs: JobTable<ExperimentJobs<Start, Lesson>>["jobs"] = {
    start: (draw) => trainReference(settings, { draw, device }),
    exact: () => Promise.resolve(null),
    reference: async ({ draw, start }) =>
      describeReference(await benches.of(draw, start), settings),
    prepare: async ({ draw, seed, level, start }) => {
      const { reference } = await benches.of(draw, start);
      const rng = new Rng(seed).split(`displacement/${draw}`);
      const likeness = likenessOf(start.weights, settings.world.answers);
      const pairsOf = (those: Level) =>
        drawPairs({
          ...{ level: those, reference, likeness, rng: rng.split("pairs") },
        });
      const pairs = pairsOf(level);
      if (level["sft"] === undefined) return { pairs, start };
      // Chosen answers are drawn in the order of prompts: the first is the same.
      const tuned = await tuneReference(start, pairsOf(ALIKE), {
        ...{ settings, rng, draw, device },
      });
      return { pairs, start: tuned };
    },
    run: async ({ point, data }) =>
      await trainRun(await benches.of(point.draw, data.start), {
        ...{ settings, point, data: data.pairs, device },
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

/** π_ref after SFT on the chosen answers of all prompts. */
function tuneReference(start: Start, { trained }: Pairs, options: {
  readonly settings: DisplacementSettings;
  readonly rng: Rng;
  readonly draw: number;
  readonly device: Device;
}): Promise<Start> {
  const { settings: { world, sft }, rng, draw, device } = options;
  const passes = Math.ceil(sft.batch * sft.steps / trained.length);
  const examples = Array.from(
    { length: passes },
    (_, pass) => rng.split(`sft/${pass}`).shuffle(trained),
  ).flat().slice(0, sft.batch * sft.steps).map(({ prompt, chosen }) => ({
    ...{ prompt: [world.answers + prompt], completions: [[chosen]] },
  }));
  return trainFurther(start, {
    ...{ ...sft, examples, called: "chosen answers", tokenizer: null },
    ...{ draw, device },
  });
}

/** The record of π_ref: how near it came to the world. */
function describeReference(
  { start: { config, weights: _, ...trained }, draw, policy, reference }: Bench<
    Scores
  >,
  { world }: DisplacementSettings,
): Outcome {
  const { source } = policy;
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
    // Without its weights: runs of a draw start from two models.
    summary: {
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
