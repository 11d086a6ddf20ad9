import { planBatches } from "lib/data/sampler.ts";
import type { ExperimentOptions } from "lib/experiment/definition.ts";
import type { Outcome } from "lib/experiment/records.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { sft } from "lib/losses/sft.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import { adamW } from "lib/optim.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { peakMemory } from "lib/record/environment.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import { Clock, type RunRecord } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { Rng } from "lib/rng.ts";
import { train, type TrainingPlan } from "lib/train/loop.ts";
import { mean } from "lib/train/metrics.ts";
import { Trainer } from "lib/train/trainer.ts";
import type { FrontierSettings } from "./settings.ts";
import type { Uniform } from "./grammar.ts";
import { type Review, sampleReview, VOCABULARY } from "./world.ts";

/** Values of parameters, by name. */
export type Weights = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/** π_ref: a decoder that the grammar's reviews are taught to. */
export interface ReferenceModel {
  readonly config: DecoderConfig;
  readonly weights: Weights;
}

/** π_ref, and what its record tells of its training. */
export interface TrainedReference
  extends Pick<Outcome, "rows" | "timings" | "peakMemoryBytes"> {
  readonly model: ReferenceModel;
}

/** Steps of its training that one line of metrics sums up. */
const STEPS_PER_LINE = 100;

/** Trains π_ref on reviews, each of which it sees once. */
export async function trainReference(
  { referenceModel }: Pick<FrontierSettings, "referenceModel">,
  { device, watch }: Pick<ExperimentOptions, "device" | "watch">,
): Promise<TrainedReference> {
  const clock = new Clock();
  const { seed, config, steps, beta2 } = referenceModel;
  const rng = new Rng(seed);
  const policy = fullPolicy(
    config,
    randomWeights(config, rng.split("weights")),
  );
  const settings = resolveOptions(sft);
  const optimizer = adamW({ beta2 });
  const setup = { policy, loss: sft, settings, device, optimizer };
  const trainer = await Trainer.create(setup);
  const shown = watch({ title: "reference model", total: steps });
  const rows: MetricsRow[] = [];
  const losses: number[] = [];
  try {
    await train(trainer, planReference(referenceModel, rng.split("reviews")), {
      reference: null,
      onStep: ({ step, loss }) => {
        shown.update(step, { loss: loss! });
        losses.push(loss!);
        if (step % STEPS_PER_LINE !== 0 && step !== steps) return;
        rows.push({ step, loss: mean(losses.splice(0)) });
      },
    });
    const { tensors } = await trainer.save();
    return {
      model: { config, weights: tensors.get("parameter")! },
      rows,
      timings: clock.timings(),
      peakMemoryBytes: peakMemory(),
    };
  } finally {
    shown.finish();
    await trainer.release();
  }
}

function planReference(
  { batch, steps, ...rest }: FrontierSettings["referenceModel"],
  rng: Uniform,
): TrainingPlan {
  const { learningRate, warmup, weightDecay } = rest;
  return {
    examples: reviews(batch * steps, rng).map(exampleOf),
    batches: planBatches(batch * steps, {
      size: batch,
      order: "sequential",
      epochs: 1,
      shuffle: (_, order) => order,
    }),
    ...{ evalExamples: [], evalEvery: 0, evalBatch: 1 },
    settings: resolveOptions(sft),
    ...{ learningRate, warmup, weightDecay },
    schedule: "cosine",
    maxGradNorm: 1,
  };
}

/** Reviews as the grammar writes them. */
export function reviews(count: number, rng: Uniform): Review[] {
  return Array.from({ length: count }, () => sampleReview(rng));
}

/** A review as training data. */
export function exampleOf({ prompt, completion }: Review) {
  return { prompt: prompt.ids, completions: [completion] };
}

/** How a record names π_ref. */
export function modelSource(model: ReferenceModel): RunRecord["model"] {
  const total = countParameters(parameterNames(model.config));
  return {
    source: "the decoder of settings.referenceModel",
    weights: hashWeights(model),
    adapter: null,
    tokenizer: sha256(canonicalJson(VOCABULARY)),
    parameters: { total, trainable: total },
  };
}

/** SHA-256 of all parameters, in forward order. */
export function hashWeights({ config, weights }: ReferenceModel): string {
  const arrays = parameterNames(config).map(({ name }) => weights.get(name)!);
  const bytes = new Uint8Array(
    arrays.reduce((n, { byteLength }) => n + byteLength, 0),
  );
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return sha256(bytes);
}

/** Normal, matrices scaled to keep the size of what passes through them. */
function randomWeights(config: DecoderConfig, rng: Rng): Weights {
  return new Map(
    parameterNames(config).map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const isNorm = shape.length === 1;
      const scale = name.includes("embed")
        ? 0.02
        : 1 / Math.sqrt(shape.at(-1)!);
      const value = () => isNorm ? 1 : scale * rng.normal();
      return [name, Float32Array.from({ length: size }, value)];
    }),
  );
}
