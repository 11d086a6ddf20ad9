import type { DecoderConfig } from "../../models/config.ts";
import {
  countParameters,
  linearParameters,
  parameterNames,
} from "../../models/parameters.ts";
import { loraParameters } from "../../models/policy.ts";
import type { Rng } from "../../rng.ts";
import { ADAPTER } from "../training.ts";

/** Dense bfloat16 of an H100 or H200 (SXM), operations a second, by NVIDIA. */
export const PEAK = 989e12;

/** A number between two ends. */
export interface Assumed {
  readonly means: string;
  readonly low: number;
  readonly high: number;
}

/**
 * Numbers of a cluster that nothing here has measured. Each is drawn between
 * its ends, evenly by its logarithm.
 */
export const ASSUMED = {
  products: {
    ...{ means: "share of the peak that products reach" },
    ...{ low: 0.1, high: 0.45 },
  },
  perStep: {
    ...{ means: "milliseconds of a step besides products" },
    ...{ low: 5, high: 50 },
  },
  network: {
    ...{ means: "GB a second of each GPU's network" },
    ...{ low: 15, high: 45 },
  },
  host: {
    ...{ means: "GB a second between GPU and host" },
    ...{ low: 10, high: 50 },
  },
  message: {
    ...{ means: "microseconds of a message's way" },
    ...{ low: 2, high: 20 },
  },
} as const satisfies Readonly<Record<string, Assumed>>;

/** A cluster that might be: its numbers in seconds and bytes. */
export type Cluster = Readonly<Record<keyof typeof ASSUMED, number>>;

/** Draws a cluster. */
export function drawCluster(rng: Rng): Cluster {
  const draw = ({ low, high }: Assumed) => low * (high / low) ** rng.uniform();
  return {
    products: draw(ASSUMED.products),
    perStep: 1e-3 * draw(ASSUMED.perStep),
    network: 1e9 * draw(ASSUMED.network),
    host: 1e9 * draw(ASSUMED.host),
    message: 1e-6 * draw(ASSUMED.message),
  };
}

const LLAMA = {
  ...{ vocabSize: 128_256, normEpsilon: 1e-5, maxPositions: 131_072 },
  rope: { theta: 500_000, scaling: null },
  ...{ bosId: 128_000, eosIds: [128_001] },
};

/** The sizes of Llama-3.2-1B and Llama-3.1-8B, https://huggingface.co/meta-llama. */
export const MODELS: Readonly<Record<"1 B" | "8 B", DecoderConfig>> = {
  "1 B": {
    ...{ ...LLAMA, hiddenSize: 2048, intermediateSize: 8192, layers: 16 },
    ...{ heads: 32, kvHeads: 8, headDim: 64, tiedHead: true },
  },
  "8 B": {
    ...{ ...LLAMA, hiddenSize: 4096, intermediateSize: 14_336, layers: 32 },
    ...{ heads: 32, kvHeads: 8, headDim: 128, tiedHead: false },
  },
};

/** How a model is trained on a cluster. */
export interface ClusterModel {
  readonly model: keyof typeof MODELS;
  readonly tuning: "lora" | "full";
}

/** Every model with every tuning. */
export const CLUSTER_MODELS: readonly ClusterModel[] = (
  ["1 B", "8 B"] as const
).flatMap((model) => [{ model, tuning: "lora" }, { model, tuning: "full" }]);

/** Numbers of weights: all of them, and those that are trained. */
export function sizesOf({ model, tuning }: ClusterModel) {
  const config = MODELS[model];
  const weights = countParameters(parameterNames(config));
  if (tuning === "full") return { weights, trained: weights };
  const targets = linearParameters(config).map(({ name }) => name);
  const lora = { ...ADAPTER, targets, replaced: [] };
  return { weights, trained: countParameters(loraParameters(config, lora)) };
}

/**
 * Bytes on each GPU, activations apart: weights in bfloat16 that are not
 * trained; of those that are, float32 values, gradients and AdamW's two moments,
 * each twice, as graphs on a device read one buffer and write another.
 */
export function memoryBytes(model: ClusterModel): number {
  const { weights, trained } = sizesOf(model);
  const frozen = model.tuning === "lora" ? weights : 0;
  return 2 * frozen + 2 * 16 * trained;
}
