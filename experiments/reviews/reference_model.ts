import { Buffer } from "node:buffer";
import { hashExamples, type TokenRow } from "lib/data/example.ts";
import type { Outcome } from "lib/experiment/records.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import { adamW } from "lib/optim.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import type { DataSource } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { Rng } from "lib/rng.ts";
import type { PolicyInMemory } from "lib/run/inputs.ts";
import { run } from "lib/run/run.ts";
import type { GivenSettings } from "lib/run/settings.ts";
import type { StepMetrics } from "lib/train/loop.ts";
import { mean } from "lib/train/metrics.ts";
import type { ReviewsSettings } from "./settings.ts";
import type { Uniform } from "./grammar.ts";
import { type Review, sampleReview, VOCABULARY } from "./world.ts";

/** Values of parameters, by name. */
export type Weights = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/** π_ref: a decoder trained on the grammar's reviews. */
export interface ReferenceModel {
  readonly config: DecoderConfig;
  readonly weights: Weights;
}

/** π_ref, and the parts of its record that its training gives. */
export interface TrainedReference
  extends Pick<Outcome, "rows" | "objective" | "timings" | "peakMemoryBytes"> {
  readonly model: ReferenceModel;
}

/** Training steps that one line of metrics sums up. */
const STEPS_PER_LINE = 100;

/** Trains π_ref on reviews, each seen once. */
export async function trainReference(
  { referenceModel }: Pick<ReviewsSettings, "referenceModel">,
  { seed, device }: { seed: number; device: Device },
): Promise<TrainedReference> {
  const { config, beta2, heldOut: _, ...training } = referenceModel;
  const { batch, steps } = training;
  const rng = new Rng(seed);
  const initial = {
    config,
    weights: randomWeights(config, rng.split("weights")),
  };
  const examples = reviews(batch * steps, rng.split("reviews")).map(exampleOf);
  const settings: GivenSettings = {
    ...{ model: SOURCE, data: "reviews of the grammar", loss: "sft" },
    ...{ ...training, seed },
    tuning: { kind: "full" },
    order: "sequential",
    schedule: "cosine",
    ...{ device, threads: 1 },
  };
  let weights: Weights | undefined;
  const finished = await run(settings, {
    inputs: {
      policy: policyOf(initial),
      data: { kind: "ranks", examples, description: describe(examples) },
      optimizer: adamW({ beta2 }),
    },
    measuring: () => Promise.resolve({ line: meanLosses(steps) }),
    onTrained: async (trainer) => {
      weights = (await trainer.save()).tensors.get("parameter")!;
    },
  });
  const { rows, record: { objective, timings, peakMemoryBytes } } = finished!;
  const model = { config, weights: weights! };
  return { model, rows, objective, timings, peakMemoryBytes };
}

/** Lines with the mean of the loss over some steps. */
function meanLosses(steps: number) {
  const losses: number[] = [];
  return ({ step, loss }: StepMetrics): Promise<MetricsRow | null> => {
    losses.push(loss!);
    const isLine = step % STEPS_PER_LINE === 0 || step === steps;
    return Promise.resolve(
      isLine ? { step, loss: mean(losses.splice(0)) } : null,
    );
  };
}

function describe(examples: readonly TokenRow[]): DataSource {
  const untouched = { truncated: 0, dropped: 0, boundaryShifted: 0 };
  return {
    ...{ role: "train", source: "reviews of the grammar" },
    sha256: hashExamples({ examples }),
    counts: { rows: examples.length, ...untouched },
  };
}

/** Draws reviews from the grammar. */
export function reviews(count: number, rng: Uniform): Review[] {
  return Array.from({ length: count }, () => sampleReview(rng));
}

/** A review as training data. */
export function exampleOf({ prompt, completion }: Review) {
  return { prompt: prompt.ids, completions: [completion] };
}

const SOURCE = "the decoder of settings.referenceModel";

/** A decoder as the policy that a run starts from. */
export function policyOf(model: ReferenceModel): PolicyInMemory {
  return {
    policy: fullPolicy(model.config, model.weights),
    source: SOURCE,
    weights: hashWeights(model),
    tokenizer: sha256(canonicalJson(VOCABULARY)),
    called: "the reference model",
  };
}

/** SHA-256 of all parameters, in forward order. */
export function hashWeights({ config, weights }: ReferenceModel): string {
  const arrays = parameterNames(config).map(({ name }) => weights.get(name)!);
  return sha256(Buffer.concat(
    arrays.map(({ buffer, byteOffset, byteLength }) =>
      new Uint8Array(buffer, byteOffset, byteLength)
    ),
  ));
}

/** Normal values; matrices are scaled to keep the size of activations. */
export function randomWeights(config: DecoderConfig, rng: Rng): Weights {
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
