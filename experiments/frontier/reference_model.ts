import { planBatches } from "lib/data/sampler.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { sft } from "lib/losses/sft.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import { adamW } from "lib/optim.ts";
import { sha256 } from "lib/record/sha256.ts";
import { Rng } from "lib/rng.ts";
import { type StepMetrics, train } from "lib/train/loop.ts";
import { Trainer } from "lib/train/trainer.ts";
import type { FrontierSettings } from "./settings.ts";
import type { Uniform } from "./grammar.ts";
import { type Review, sampleReview } from "./world.ts";

/** Values of parameters, by name. */
export type Weights = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/** π_ref: a decoder that the grammar's reviews are taught to. */
export interface ReferenceModel {
  readonly config: DecoderConfig;
  readonly weights: Weights;
}

/**
 * Trains π_ref on reviews, each of which it sees once.
 *
 * @param options `onStep` is told the metrics of each step.
 */
export async function trainReference(
  { seed, config, batch, steps, ...rest }: FrontierSettings["referenceModel"],
  options: { device: Device; onStep?: (metrics: StepMetrics) => void },
): Promise<ReferenceModel> {
  const { learningRate, warmup, weightDecay, beta2 } = rest;
  const { device, onStep = () => {} } = options;
  const rng = new Rng(seed);
  const policy = fullPolicy(
    config,
    randomWeights(config, rng.split("weights")),
  );
  const settings = resolveOptions(sft);
  const optimizer = adamW({ beta2 });
  const setup = { policy, loss: sft, settings, device, optimizer };
  const trainer = await Trainer.create(setup);
  const shuffle = (_: number, order: readonly number[]) => order;
  const plan = {
    examples: reviews(batch * steps, rng.split("reviews")).map(exampleOf),
    batches: planBatches(batch * steps, {
      size: batch,
      order: "sequential",
      epochs: 1,
      shuffle,
    }),
    ...{ evalExamples: [], evalEvery: 0, evalBatch: 1 },
    ...{ settings, learningRate, warmup, weightDecay },
    schedule: "cosine",
    maxGradNorm: 1,
  } as const;
  try {
    await train(trainer, plan, { reference: null, onStep });
    const { tensors } = await trainer.save();
    return { config, weights: tensors.get("parameter")! };
  } finally {
    await trainer.release();
  }
}

/** Reviews as the grammar writes them. */
export function reviews(count: number, rng: Uniform): Review[] {
  return Array.from({ length: count }, () => sampleReview(rng));
}

/** A review as training data. */
export function exampleOf({ prompt, completion }: Review) {
  return { prompt: prompt.ids, completions: [completion] };
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
