import type { Group } from "../distributed/group.ts";
import { countParameters } from "../models/parameters.ts";
import { limitsOf } from "../onnx/adapters.ts";
import { freeOnCard } from "../onnx/card.ts";
import { type Device, HALVES } from "../onnx/providers.ts";
import type { TrainingPlan } from "../train/loop.ts";
import {
  evaluationMemory,
  forwardMemory,
  type SessionMemory,
  stepMemory,
} from "../train/step_memory.ts";
import { type TrainerOptions, withDefaults } from "../train/trainer_options.ts";
import { freeMemory, gigabytes, otherwise, type Storage } from "./memory.ts";
import type { TrainSettings } from "./settings.ts";

/** The part of a plan that decides memory. */
type Batches =
  & Pick<TrainingPlan, "examples" | "batches">
  & Partial<
    Pick<TrainingPlan, "evalExamples" | "evalEvery" | "referenceUpdate">
  >
  & {
    /** Whether something scores rows between steps. @default false */
    readonly isMeasured?: boolean;
  };

/** Memory that a run takes: of its process on CPU, on another device there. */
export interface MemoryEstimate {
  /** Bytes at the peak, in a process with files that it maps. */
  readonly peak: number;
  /** Bytes that it needs besides those that it has now. */
  readonly more: number;
  /** Those of them that all processes of a machine have at once: files. */
  readonly mapped: number;
  /** Bytes of the largest tensor that it computes. */
  readonly largest: number;
  /** Layers whose activations the backward pass computes again. */
  readonly recomputedLayers: number;
}

/** Bytes that a device has for a run; `Infinity` where nobody tells. */
export interface Room {
  readonly free: number;
  /** Of one tensor. */
  readonly buffer: number;
  /** Ranks that share it. @default 1 */
  readonly ranks?: number;
}

/** The room that is on a device now; ranks of one machine share its memory. */
export async function roomOn(device: Device, group: Group): Promise<Room> {
  if (device === "cpu") {
    const own = { host: Deno.hostname(), free: freeMemory() };
    const all = await group.gather(own);
    const here = all.filter(({ host }) => host === own.host);
    const free = Math.min(...here.map(({ free }) => free));
    return { free, buffer: Infinity, ranks: here.length };
  }
  const free = device === "cuda" ? await freeOnCard() : null;
  const { buffer } = await limitsOf(device);
  return { free: free ?? Infinity, buffer };
}

/** Bytes of a node in a session. */
const NODE = 13_000;

/**
 * Estimates the memory of a run before it compiles anything: the step on the
 * largest micro-batch, the forward pass, before the first step and after the last
 * one or beside them, and the evaluation, as each session keeps what its runs
 * took, parameters with gradients and the optimizer's state, and weights, which
 * each session has once. On CPU they are maps of files, and the process has what
 * it has now; on a device there are two buffers of each parameter, sum and slot.
 */
export function estimateMemory(
  options: TrainerOptions,
  plan: Batches,
): MemoryEstimate {
  const phasesOf = phases(options, plan);
  return estimateOf(options, phasesOf(stepSession(options, plan)));
}

/** Sessions that have their memory at one time, for each such time. */
type Phases = readonly (readonly SessionMemory[])[];

function estimateOf(options: TrainerOptions, phases: Phases): MemoryEstimate {
  const { policy, optimizer, recomputedLayers, device } = withDefaults(options);
  const total = (of: (session: SessionMemory) => number) =>
    Math.max(
      ...phases.map((sessions) =>
        sessions.reduce((sum, session) => sum + of(session), 0)
      ),
    );
  const sessions = phases.flat();
  const parameters = 4 * countParameters(policy.trained) *
    (2 + optimizer.slots.length);
  const largest = Math.max(...sessions.map(({ largest }) => largest));
  if (device !== "cpu") {
    const there = 2 * parameters +
      total(({ results, constants }) => results + constants);
    return {
      ...{ peak: there, more: there, mapped: 0 },
      ...{ largest, recomputedLayers },
    };
  }
  const ownOf = ({ results, folded, nodes }: SessionMemory) =>
    results + folded + NODE * nodes;
  const own = parameters + total(ownOf);
  const mapped = Math.max(...sessions.map(({ mapped }) => mapped));
  const { rss } = Deno.memoryUsage();
  return {
    peak: rss + parameters +
      total((session) => ownOf(session) + session.mapped),
    ...{ more: own + mapped, mapped, largest, recomputedLayers },
  };
}

function stepSession(
  options: TrainerOptions,
  { examples, batches }: Batches,
): SessionMemory {
  const steps = batches.map((batch) => batch.map((i) => examples[i]!));
  return stepMemory(options, steps);
}

/** The phases of a run, by the session of its steps. */
function phases(
  options: TrainerOptions,
  { examples, batches, evalExamples = [], ...plan }: Batches,
): (step: SessionMemory) => Phases {
  const used = [...new Set(batches.flat())].map((i) => examples[i]!);
  const others = [
    forwardMemory(options, [...used, ...evalExamples]),
    ...evalExamples.length > 0
      ? [evaluationMemory(options, [evalExamples])]
      : [],
  ];
  const { isMeasured, referenceUpdate, evalEvery = 0 } = plan;
  const isBeside = isMeasured || referenceUpdate || options.loss.statistics ||
    (evalEvery > 0 && evalEvery < batches.length);
  return (step) => isBeside ? [[step, ...others]] : [[step], others];
}

/** An estimate, and the room that is there for it. */
export interface FittedMemory extends MemoryEstimate {
  readonly room: Room;
}

/**
 * Estimates a run with the layers to recompute that its settings give; where they
 * give none, with as few as make it fit, and with all where it does not.
 */
export function fittingEstimate(
  options: TrainerOptions,
  plan: Batches,
  { recomputeLayers, room }:
    & Pick<TrainSettings, "recomputeLayers">
    & { room: Room },
): FittedMemory {
  const phasesOf = phases(options, plan);
  const estimate = (recomputedLayers: number) => {
    const chosen = { ...options, recomputedLayers };
    const found = phasesOf(stepSession(chosen, plan));
    return { ...estimateOf(chosen, found), room };
  };
  if (recomputeLayers !== null) return estimate(recomputeLayers);
  let best = estimate(0);
  if (neededIn(room, best) <= room.free) return best;
  // The last layer's activations are read at once.
  let [tooFew, enough] = [0, options.policy.config.layers - 1];
  best = estimate(enough);
  while (neededIn(room, best) <= room.free && enough - tooFew > 1) {
    const between = Math.floor((tooFew + enough) / 2);
    const found = estimate(between);
    if (neededIn(room, found) <= room.free) [enough, best] = [between, found];
    else tooFew = between;
  }
  return best;
}

/** A run that was estimated. */
interface Estimated {
  options: TrainerOptions;
  plan: Batches;
  settings: Storage;
}

/**
 * @throws Error that names settings which fit, for a run that needs more memory
 * than is free, or a tensor larger than the device holds.
 */
export function requireStepMemory(
  estimate: FittedMemory,
  run: Estimated,
): void {
  const { largest, room } = estimate;
  if (fits(estimate, room)) return;
  const { device = "cpu" } = run.options;
  const { ranks = 1 } = room;
  const bytes = neededIn(room, estimate);
  const [free, needed] = [room.free, bytes].map(gigabytes);
  const those = ranks === 1
    ? "the process needs"
    : `the ${ranks} ranks of this machine need`;
  const reason = bytes <= room.free
    ? `a tensor takes ${
      gigabytes(largest)
    } on ${device}, and a buffer of the ` +
      `adapter holds ${gigabytes(room.buffer)}`
    : device === "cpu"
    ? `${those} about ${needed}, and ${free} are free`
    : `the run needs about ${needed} on the card, and ${free} are free there`;
  throw new Error(
    `Cannot train: ${reason}; expected ${settingThatFits(run, room)}`,
  );
}

/** Bytes that all ranks need that share a room. */
function neededIn(
  { ranks = 1 }: Room,
  { more, mapped }: MemoryEstimate,
): number {
  return ranks * (more - mapped) + mapped;
}

function fits(estimate: MemoryEstimate, room: Room): boolean {
  return neededIn(room, estimate) <= room.free &&
    estimate.largest <= room.buffer;
}

function settingThatFits(run: Estimated, room: Room): string {
  const { options, plan, settings } = run;
  const tokens = fittingTokens(run, room);
  if (tokens !== null) return `--micro-tokens ${tokens} or fewer`;
  const { device, precision } = withDefaults(options);
  if (device === "cuda" && HALVES[precision] === null) {
    const half = estimateMemory({ ...options, precision: "bfloat16" }, plan);
    if (fits(half, room)) return "--precision bfloat16";
  }
  return `shorter rows (--max-length)${otherwise(settings)}`;
}

/** Slots of micro-batches that fit; null where single rows do not. */
function fittingTokens(
  { options, plan }: Estimated,
  room: Room,
): number | null {
  let { microTokens } = withDefaults(options);
  for (let before = Infinity; microTokens > 1;) {
    microTokens = Math.floor(microTokens / 2);
    const found = estimateMemory({ ...options, microTokens }, plan);
    if (fits(found, room)) return microTokens;
    if (found.more === before) break;
    before = found.more;
  }
  return null;
}
