import { type Example, hashExamples } from "lib/data/example.ts";
import type { Outcome } from "lib/experiment/records.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { fullPolicy, type Policy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import type { DataSource } from "lib/record/record.ts";
import type { PolicyInMemory } from "lib/run/inputs.ts";
import { measuredAt } from "lib/run/measures.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import {
  hashWeights,
  randomWeights,
  type Weights,
} from "../reviews/reference_model.ts";
import type { Rng } from "lib/rng.ts";
import type { AnswersSettings } from "./settings.ts";

/** A small decoder, and the parts of its record that its training gives. */
export interface Start
  extends Pick<Outcome, "rows" | "objective" | "timings" | "peakMemoryBytes"> {
  readonly config: DecoderConfig;
  readonly weights: Weights;
}

/** What a decoder learns from, and how. */
export interface Lessons {
  readonly examples: readonly Example[];
  /** Words for the examples in the record. */
  readonly called: string;
  readonly batch: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly warmup: number;
  /** SHA-256 of the vocabulary; `null` without words. */
  readonly tokenizer: string | null;
  readonly draw: number;
  readonly device: Device;
}

/** A decoder that begins at random. */
interface Beginner
  extends Omit<Lessons, "batch" | "steps" | "learningRate" | "warmup"> {
  /** Tokens that there are; the first one ends a text. */
  readonly vocabSize: number;
  readonly rng: Rng;
}

const SOURCE = "the decoder of settings.referenceModel";

/** Trains a decoder from random weights on examples, each seen once. */
export function trainDecoder(
  shape: AnswersSettings["referenceModel"],
  { vocabSize, rng, ...rest }: Beginner,
): Promise<Start> {
  const { batch, steps, learningRate, warmup } = shape;
  const config = configOf(shape, vocabSize);
  return trainFurther({ config, weights: randomWeights(config, rng) }, {
    ...{ ...rest, batch, steps, learningRate, warmup },
  });
}

/** Trains a decoder further by SFT on examples, in their order. */
export async function trainFurther(
  model: Pick<Start, "config" | "weights">,
  { examples, called, tokenizer, draw, device, ...numbers }: Lessons,
): Promise<Start> {
  const settings: GivenSettings = {
    ...{ model: SOURCE, data: called, loss: "sft", tuning: { kind: "full" } },
    ...{ ...numbers, seed: draw },
    ...{ schedule: "cosine", order: "sequential", device, threads: 1 },
  };
  let weights: Weights | undefined;
  const finished = await run(settings, {
    inputs: {
      policy: decoderPolicy(model, tokenizer),
      data: {
        ...{ kind: "ranks", examples },
        description: sourceOf(examples, called),
      },
    },
    measuring: measuredAt([numbers.steps], {
      start: {},
      measure: () => Promise.resolve({}),
    }),
    onTrained: async (trainer) => {
      weights = (await trainer.save()).tensors.get("parameter")!;
    },
  });
  const { rows, record: { objective, timings, peakMemoryBytes } } = finished!;
  return {
    ...{ config: model.config, weights: weights! },
    ...{ rows, objective, timings, peakMemoryBytes },
  };
}

/** A decoder as the policy that a run starts from. */
export function decoderPolicy(
  model: Pick<Start, "config" | "weights">,
  tokenizer: string | null,
): PolicyInMemory {
  return {
    policy: fullPolicy(model.config, model.weights),
    source: SOURCE,
    weights: hashWeights(model),
    tokenizer,
    called: "the reference model",
  };
}

/** The values that a policy begins with. */
export function initialTensors({ trained, initial }: Policy): Tensors {
  return tensorsOf(trained, initial);
}

/** Examples in the record of a run that trains on them. */
export function sourceOf(
  examples: readonly Example[],
  source: string,
): DataSource {
  return {
    ...{ role: "train", source, sha256: hashExamples({ examples }) },
    counts: {
      rows: examples.length,
      ...{ truncated: 0, dropped: 0, boundaryShifted: 0 },
    },
  };
}

function configOf(
  { hiddenSize, intermediateSize, layers, heads }:
    AnswersSettings["referenceModel"],
  vocabSize: number,
): DecoderConfig {
  return {
    ...{ vocabSize, hiddenSize, intermediateSize, layers },
    ...{ heads, kvHeads: heads, headDim: hiddenSize / heads },
    ...{ normEpsilon: 1e-5, rope: { theta: 100, scaling: null } },
    ...{ maxPositions: 8, tiedHead: false, bosId: 0, eosIds: [0] },
  };
}
