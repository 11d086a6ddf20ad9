import process from "node:process";
import { countParameters } from "../models/parameters.ts";
import { OPTIMIZERS } from "../optim.ts";
import type { TrainingPlan } from "../train/loop.ts";
import { stepMemory } from "../train/step_memory.ts";
import { type TrainerOptions, withDefaults } from "../train/trainer_options.ts";
import type { parameterCounts } from "./record.ts";
import type { TrainSettings } from "./settings.ts";

/** The settings that memory depends on before activations. */
type Storage = Pick<TrainSettings, "baseWeights" | "optimizer" | "tuning">;

/** Bytes of a weight that is not trained, in each storage, at least. */
const STORED = { float32: 4, half: 2, int8: 1, int4: 0.5, w8a16: 1 } as const;

/**
 * Bytes that a process that trains holds at the least: weights once, though
 * most graphs have a copy of their own, and of trained ones the present
 * values, sums of gradients and the optimizer's state. Activations come on top of
 * them.
 */
export function leastMemory(
  { total, trainable }: ReturnType<typeof parameterCounts>,
  { baseWeights, optimizer }: Storage,
): number {
  const { slots } = OPTIMIZERS[optimizer];
  return STORED[baseWeights] * (total - trainable) +
    4 * trainable * (2 + slots.length);
}

/**
 * @param bytes that each process needs.
 * @param options `what`: the number in words, such as "holds at least".
 * @throws Error where the processes need more memory than this one may use.
 */
export function requireMemory(
  bytes: number,
  { what, settings, jobs = 1, machine = machineMemory() }: {
    what: string;
    settings: Storage;
    jobs?: number;
    machine?: number;
  },
): void {
  if (jobs * bytes <= machine) return;
  const most = Math.floor(machine / bytes);
  const doing = jobs === 1
    ? "train: the process"
    : `run with --jobs ${jobs}: each process`;
  throw new Error(
    `Cannot ${doing} ${what} ${gigabytes(bytes)}, and there are ${
      gigabytes(machine)
    } in all; expected ${
      most === 0
        ? `a smaller model${otherwise(settings)}`
        : `--jobs ${most}${most === 1 ? "" : " or fewer"}`
    }`,
  );
}

/** Settings that need less memory. */
function otherwise({ baseWeights, tuning }: Storage): string {
  if (tuning.kind === "full") return ", or an adapter in place of --full";
  const isWhole = baseWeights === "float32" || baseWeights === "half";
  return isWhole ? ", or --base-weights int8 or int4" : "";
}

/** Memory that a run takes on CPU. */
export interface MemoryEstimate {
  /** Bytes that the process holds at its peak, files that it maps included. */
  readonly peak: number;
  /** Bytes that it needs besides those that it has now. */
  readonly more: number;
  /** Layers whose activations the backward pass computes again. */
  readonly recomputedLayers: number;
}

/** Bytes of a node in sessions: of training, of the forward pass. */
const NODE = 25_000;

/**
 * Estimates the memory of a run before it compiles anything: the step on the
 * largest micro-batch, parameters with gradients and the optimizer's state,
 * sessions, and weights in files, which the sessions of training and of the
 * forward pass map each. What the process has now stays.
 */
export function estimateMemory(
  options: TrainerOptions,
  { examples, batches }: Pick<TrainingPlan, "examples" | "batches">,
): MemoryEstimate {
  const { results, mapped, nodes } = stepMemory(
    options,
    batches.map((batch) => batch.map((i) => examples[i]!)),
  );
  const { policy, optimizer, recomputedLayers = 0 } = options;
  const states = 1 + (optimizer?.slots.length ?? 0);
  const parameters = 4 * countParameters(policy.trained) * (states + 1);
  const own = results + parameters + NODE * nodes;
  const { rss } = Deno.memoryUsage();
  return { peak: rss + own + 2 * mapped, more: own + mapped, recomputedLayers };
}

/**
 * Estimates a run with the layers to recompute that its settings give; where they
 * give none, with as few as make it fit, and with all where it does not.
 */
export function fittingEstimate(
  options: TrainerOptions,
  plan: Pick<TrainingPlan, "examples" | "batches">,
  { recomputeLayers, free = freeMemory() }:
    & Pick<TrainSettings, "recomputeLayers">
    & { free?: number },
): MemoryEstimate {
  const estimate = (recomputedLayers: number) =>
    estimateMemory({ ...options, recomputedLayers }, plan);
  if (recomputeLayers !== null) return estimate(recomputeLayers);
  let best = estimate(0);
  if (best.more <= free) return best;
  // The last layer's activations are read at once.
  let [tooFew, enough] = [0, options.policy.config.layers - 1];
  best = estimate(enough);
  while (best.more <= free && enough - tooFew > 1) {
    const between = Math.floor((tooFew + enough) / 2);
    const found = estimate(between);
    if (found.more <= free) [enough, best] = [between, found];
    else tooFew = between;
  }
  return best;
}

/** Bytes that no process uses now, and that this one may. */
export function freeMemory(): number {
  const { available } = Deno.systemMemoryInfo();
  const rest = machineMemory() - Deno.memoryUsage().rss;
  // Some systems do not say.
  return available > 0 ? Math.min(available, rest) : rest;
}

/**
 * @throws Error that names settings which fit, for a run that needs more memory
 * than is free.
 */
export function requireStepMemory(
  estimate: MemoryEstimate,
  { options, plan, settings, free = freeMemory() }: {
    options: TrainerOptions;
    plan: Pick<TrainingPlan, "examples" | "batches">;
    settings: Storage;
    free?: number;
  },
): void {
  if (estimate.more <= free) return;
  const fitting = fittingTokens(options, plan, free);
  throw new Error(
    `Cannot train: the process needs about ${gigabytes(estimate.more)}, and ${
      gigabytes(free)
    } are free; expected ${
      fitting === null
        ? `shorter rows (--max-length)${otherwise(settings)}`
        : `--micro-tokens ${fitting} or fewer`
    }`,
  );
}

/** Slots of micro-batches that fit; null where single rows do not. */
function fittingTokens(
  options: TrainerOptions,
  plan: Pick<TrainingPlan, "examples" | "batches">,
  free: number,
): number | null {
  let { microTokens } = withDefaults(options);
  for (let before = Infinity; microTokens > 1;) {
    microTokens = Math.floor(microTokens / 2);
    const { more } = estimateMemory({ ...options, microTokens }, plan);
    if (more <= free) return microTokens;
    if (more === before) break;
    before = more;
  }
  return null;
}

/**
 * Bytes of this machine's memory, or of the part that this process may use.
 *
 * @param limit bytes that the system lets the process use; 0 for no limit.
 */
export function machineMemory(limit = process.constrainedMemory()): number {
  const { total } = Deno.systemMemoryInfo();
  return limit > 0 ? Math.min(total, limit) : total;
}

export function gigabytes(bytes: number): string {
  const value = bytes / 1e9;
  return `${value >= 1 ? value.toFixed(1) : value.toPrecision(2)} GB`;
}
