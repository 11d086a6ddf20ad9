import type { Identity } from "../train/checkpoints.ts";
import { planBatches } from "../data/sampler.ts";
import type { BaseWeights } from "../models/base_weights.ts";
import { resolveDevice } from "../onnx/devices.ts";
import type { Device } from "../onnx/providers.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { sha256 } from "../record/sha256.ts";
import { Rng } from "../rng.ts";
import type { TrainingPlan } from "../train/loop.ts";
import {
  type InputOptions,
  loadInputs,
  type TrainingInputs,
} from "./inputs.ts";
import type { TrainSettings } from "./settings.ts";

/** A run before its first step: everything read, checked and decided. */
export interface PreparedRun {
  /** With the device, the limits and the loss's options as they turned out. */
  readonly settings: TrainSettings & { readonly device: Device };
  readonly inputs: TrainingInputs;
  readonly plan: TrainingPlan;
  /** What makes two runs the same: settings, weights, data, arithmetic. */
  readonly identity: Identity;
}

/**
 * Reads what settings name and plans the run. Nothing is written.
 *
 * @throws Error for the first setting, file or row that is wrong.
 */
export async function prepareRun(
  wanted: TrainSettings,
  given: InputOptions,
): Promise<PreparedRun> {
  const device = await resolveDevice(wanted.device);
  refuseHeld(wanted.baseWeights, device);
  const inputs = await loadInputs(wanted, given);
  const { options, maxLength } = inputs;
  const settings = { ...wanted, device, options, maxLength };
  return {
    settings,
    inputs,
    plan: planOf(settings, inputs),
    identity: await identityOf(settings, inputs),
  };
}

function planOf(
  settings: TrainSettings,
  { train, evaluation, loss, options }: TrainingInputs,
): TrainingPlan {
  const { learningRate, schedule, warmup, weightDecay, maxGradNorm } = settings;
  const { referenceEvery, referenceMix } = settings;
  const orders = new Rng(settings.seed).split("order");
  return {
    examples: train.examples,
    batches: planBatches(train.examples.length, {
      size: settings.batch,
      minimum: loss.minimumBatch ?? 1,
      order: settings.order,
      epochs: settings.epochs,
      steps: settings.steps ?? undefined,
      shuffle: (epoch, order) =>
        orders.split(`epoch ${epoch}`).shuffle([...order]),
      labels: train.examples.map(({ label }) => label),
    }),
    evalExamples: evaluation?.examples ?? [],
    evalEvery: settings.evalEvery,
    evalBatch: settings.batch,
    settings: options,
    ...referenceEvery > 0 &&
      { referenceUpdate: { every: referenceEvery, mix: referenceMix } },
    learningRate,
    schedule,
    warmup,
    weightDecay,
    maxGradNorm,
  };
}

async function identityOf(
  settings: TrainSettings,
  { model, train, evaluation, lossSource }: TrainingInputs,
): Promise<Identity> {
  // How often a run looks and saves does not change where it goes, and content
  // counts, not its place.
  const { evalEvery: _e, saveEvery: _s, tuning, ...decisive } = settings;
  return {
    ...decisive,
    lossCode: [...lossSource.code],
    model: await model.weights.hash(),
    config: sha256(canonicalJson(model.policy.config)),
    data: train.description.sha256,
    evalData: evaluation?.description.sha256 ?? null,
    tuning: tuning.kind === "adapter"
      ? { kind: tuning.kind, adapter: model.adapterHash }
      : tuning,
  };
}

/** @throws Error where weights shall be held in a way that a device has not. */
export function refuseHeld(baseWeights: BaseWeights, device: Device): void {
  if (baseWeights === "float32" || device === "cpu") return;
  throw new Error(
    `Cannot use --base-weights ${baseWeights} with --device ${device}: ` +
      `they are held so on CPU only`,
  );
}
