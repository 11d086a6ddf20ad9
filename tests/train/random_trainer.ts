import type { Example } from "lib/data/example.ts";
import type { Loss } from "lib/losses/loss.ts";
import { type LossOptionValue, resolveOptions } from "lib/losses/options.ts";
import { lossRequirements } from "lib/train/requirements.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import type { Policy } from "lib/models/policy.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { add, mul, sub } from "lib/ops/elementwise.ts";
import { isMatrix, type Optimizer } from "lib/optim.ts";
import type { Reference } from "lib/train/reference.ts";
import {
  type StepOptions,
  type StepResult,
  Trainer,
} from "lib/train/trainer.ts";
import type { TrainerOptions } from "lib/train/trainer_options.ts";
import { ONE_LAYER } from "../models/random_decoder.ts";
import { randomTuned } from "../models/random_lora.ts";
import { UNLIKELY } from "../random_examples.ts";
import { temporaryFolder } from "../temporary_folder.ts";

export type Given = Readonly<Record<string, LossOptionValue>>;
export type Values = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/**
 * Gradient descent that keeps what it was given: the scaled gradient of each
 * element, and the weight decay it was told for it.
 */
export const recorder: Optimizer = {
  name: "recorder",
  slots: ["seen", "decay"],
  decays: isMatrix,
  update: () => {
    const graph = new Graph();
    const vector = (name: string) => graph.input(name, ["n"]);
    const scalar = (name: string) => graph.input(name, []);
    const seen = mul(vector("gradient"), scalar("gradientScale"));
    return {
      parameter: sub(vector("parameter"), mul(seen, scalar("learningRate"))),
      seen,
      decay: add(mul(seen, 0), scalar("weightDecay")),
    };
  },
  scalars: (_step, options) => ({ ...options }),
};

/** Calls `use` with a trainer of a random policy. */
export async function withTrainer<T>(
  { kind = "full", config = ONE_LAYER, ...options }:
    & Pick<TrainerOptions, "loss">
    & Partial<TrainerOptions>
    & { kind?: "full" | "lora"; config?: DecoderConfig },
  use: (trainer: Trainer, policy: Policy) => Promise<T>,
): Promise<T> {
  using folder = temporaryFolder();
  const policy = await randomTuned(kind, folder.path, config);
  const lossOptions = resolveOptions(options.loss);
  const trainer = await Trainer.create({ policy, lossOptions, ...options });
  try {
    return await use(trainer, policy);
  } finally {
    await trainer.release();
  }
}

/** What one step gives and sees. */
export interface SeenStep {
  readonly result: StepResult;
  readonly gradients: Values;
}

type Way =
  & { loss: Loss; given?: Given; reference?: Reference }
  & Pick<
    Parameters<typeof withTrainer>[0],
    | "kind"
    | "config"
    | "microTokens"
    | "threads"
    | "group"
    | "precision"
    | "attentionCuts"
    | "recomputedLayers"
  >;

/** One step without clipping, and the gradient it saw. */
export async function seenStep(
  way: Way,
  examples: readonly Example[],
): Promise<SeenStep> {
  const [step] = await seenSteps(way, [examples]);
  return step!;
}

/** One step on each of several batches, from the same start. */
export function seenSteps(
  { loss, given = {}, reference, ...way }: Way,
  batches: readonly (readonly Example[])[],
): Promise<SeenStep[]> {
  const lossOptions = resolveOptions(loss, given);
  const options = stepOptions(loss, given);
  const taken = {
    ...options,
    reference: options.reference && (reference ?? options.reference),
    maxGradNorm: 0,
  };
  return withTrainer(
    { loss, lossOptions, optimizer: recorder, ...way },
    async (trainer, { initial }) => {
      const steps: SeenStep[] = [];
      for (const examples of batches) {
        await trainer.restart(initial);
        const result = await trainer.train(examples, taken);
        steps.push({ result, gradients: await valuesOf(trainer, "seen") });
      }
      return steps;
    },
  );
}

/** A tensor of each parameter, by the name that snapshots have for it. */
export async function valuesOf(
  trainer: Trainer,
  name: string,
): Promise<Values> {
  return (await trainer.save()).tensors.get(name)!;
}
export const parametersOf = (trainer: Trainer) =>
  valuesOf(trainer, "parameter");

/** A step under the loss's defaults, but for what is given. */
export function stepOptions(loss: Loss, given: Given = {}): StepOptions {
  const lossOptions = resolveOptions(loss, given);
  const reference = lossRequirements(loss, lossOptions).reference
    ? UNLIKELY
    : null;
  return { lossOptions, reference, learningRate: 1e-2 };
}
