import { planBatches } from "../data/sampler.ts";
import { ALONE, type Group } from "../distributed/group.ts";
import type { BaseWeights } from "../models/base_weights.ts";
import {
  integerFault,
  resolveDevice,
  unavailablePrecision,
} from "../onnx/devices.ts";
import type { Device, Precision } from "../onnx/providers.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { sha256 } from "../record/sha256.ts";
import { Rng } from "../rng.ts";
import type { Identity } from "../train/checkpoints.ts";
import { assertWeighted, type TrainingPlan } from "../train/loop.ts";
import { type InputsInMemory, loadInputs, type RunInputs } from "./inputs.ts";
import { microTokensWithin } from "./micro_memory.ts";
import type { InputHooks } from "./models.ts";
import {
  completeSettings,
  type GivenSettings,
  type TrainSettings,
  usualSettings,
} from "./settings.ts";
import { type PlannedRun, trainerOptions } from "./trainers.ts";

/** A run before its first step: everything read, checked and decided. */
export interface PreparedRun extends PlannedRun {
  /** Everything that decides the result: settings, weights, data, arithmetic. */
  readonly identity: Identity;
  /** How it is computed, which moves at most the last digits. */
  readonly computing: Identity;
  /** Number of processes that take the run's steps together. */
  readonly ranks: number;
}

/**
 * Reads what settings name and plans the run. Nothing is written.
 *
 * @throws Error for the first setting, file or row that is wrong.
 */
export async function prepareRun(
  settings: GivenSettings,
  given: InputsInMemory = {},
  { group = ALONE, ...hooks }: InputHooks & { group?: Group } = {},
): Promise<PreparedRun> {
  const wanted = completeSettings(settings);
  const device = await resolveDevice(wanted.device);
  await requireBaseWeights(wanted.baseWeights, { ...wanted, device });
  await requirePrecision(wanted.precision, device);
  const inputs = await loadInputs(wanted, given, hooks);
  const { options, maxLength } = inputs;
  const resolved = { ...wanted, device, options, maxLength };
  const plan = planOf(resolved, inputs, given);
  assertWeighted(plan);
  const microTokens = microTokensOf({ settings: resolved, inputs, plan });
  // A record has the slots that were computed: it repeats them, whatever a later
  // estimate would choose.
  const computed = { ...resolved, microTokens, microMemory: null };
  return {
    settings: computed,
    inputs,
    plan,
    identity: identityOf(computed, inputs),
    computing: computingOf(computed, group),
    ranks: group.size,
  };
}

/** The slots of micro-batches, by their number or by their memory. */
function microTokensOf(
  run: PlannedRun,
): number {
  const { microTokens, microMemory } = run.settings;
  return microMemory === null
    ? microTokens
    : microTokensWithin(trainerOptions(run), run.plan, microMemory * 1e9);
}

function planOf(
  settings: TrainSettings,
  { train, evaluation, loss, options }: RunInputs,
  { shuffle = shuffled(settings.seed) }: InputsInMemory,
): TrainingPlan {
  const { learningRate, schedule, warmup, weightDecay, maxGradNorm } = settings;
  const { referenceEvery, referenceMix } = settings;
  return {
    examples: train.examples,
    batches: planBatches(train.examples.length, {
      size: settings.batch,
      minimum: loss.minimumBatch ?? 1,
      order: settings.order,
      epochs: settings.epochs,
      steps: settings.steps ?? undefined,
      shuffle,
      labels: train.examples.map(({ label }) => label),
    }),
    evalExamples: evaluation?.examples ?? [],
    evalEvery: settings.evalEvery,
    evalBatch: settings.batch,
    lossOptions: options,
    ...referenceEvery > 0 &&
      { referenceUpdate: { every: referenceEvery, mix: referenceMix } },
    learningRate,
    schedule,
    warmup,
    weightDecay,
    maxGradNorm,
  };
}

/** The order of each epoch, drawn from a seed. */
function shuffled(seed: number): NonNullable<InputsInMemory["shuffle"]> {
  const orders = new Rng(seed).split("order");
  return (epoch, order) => orders.split(`epoch ${epoch}`).shuffle([...order]);
}

function identityOf(
  settings: TrainSettings,
  { model, train, evaluation, lossSource }: RunInputs,
): Identity {
  // How often a run looks and saves does not change where it goes; the content
  // of files counts, not their location or origin.
  const { evalEvery: _e, saveEvery: _s, tuning, ...all } = settings;
  const { modelOrigin: _o, dataOrigin: _p, ...rest } = all;
  const { device: _d, threads: _t, microTokens: _m, ...others } = rest;
  const { recomputeLayers: _r, microMemory: _b, ...decisive } = others;
  return {
    ...decisive,
    lossCode: [...lossSource.code],
    model: model.hash,
    config: sha256(canonicalJson(model.policy.config)),
    data: train.description.sha256,
    evalData: evaluation?.description.sha256 ?? null,
    tuning: tuning.kind === "adapter"
      ? { kind: tuning.kind, adapter: model.adapterHash }
      : tuning,
  };
}

/** The parts of an identity that are settings, by their defaults. */
export function usualIdentity(identity: Identity): Identity {
  const usual = Object.entries(usualSettings());
  return Object.fromEntries(usual.filter(([name]) => name in identity));
}

function computingOf(
  { device, threads, microTokens }: TrainSettings,
  { size }: Group,
): Identity {
  return { device, threads, microTokens, ...size > 1 && { ranks: size } };
}

/** Storages of weights that devices other than the CPU lack. */
const ON_CPU: ReadonlySet<BaseWeights> = new Set(["half", "w8a16"]);

/** @throws Error where base weights cannot be held, or multiplied by, so. */
export async function requireBaseWeights(
  baseWeights: BaseWeights,
  { device, precision }: Pick<TrainSettings, "precision"> & { device: Device },
): Promise<void> {
  const refused = (setting: string, reason: string) =>
    new Error(
      `Cannot use --base-weights ${baseWeights} with ${setting}: ${reason}; ` +
        `expected float32, int8 or int4`,
    );
  if (device !== "cpu" && ON_CPU.has(baseWeights)) {
    throw refused(`--device ${device}`, "weights are held so on CPU only");
  }
  if (baseWeights !== "w8a16") return;
  if (precision !== "float32") {
    throw refused(`--precision ${precision}`, "it has a format of its own");
  }
  const fault = await integerFault();
  if (fault !== null) throw refused("this processor", fault);
}

/** @throws Error where a device does not compute in a number format. */
export async function requirePrecision(
  precision: Precision,
  device: Device,
): Promise<void> {
  const error = await unavailablePrecision(device, precision);
  if (error) throw error;
}
