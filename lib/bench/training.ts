import { peakMemory } from "../record/environment.ts";
import { run, type RunOptions } from "../run/run.ts";
import type { GivenSettings } from "../run/settings.ts";

/** One process that trains on pairs of a file. */
export interface TrainingJob {
  readonly model: string;
  readonly loss: string;
  /** File of pairs, in the order of the steps. */
  readonly rows: string;
  /** Empty folder for the reference's log-probabilities. */
  readonly cache: string;
  /** Pairs of a step. */
  readonly batch: number;
  /** Timed steps, after one to warm up. */
  readonly steps: number;
  readonly threads: number;
}

/** Times of a process that trains, in seconds, and its memory. */
export interface TrainingTimes {
  /** From its start until model and graphs are ready. */
  readonly load: number;
  /** The reference's log-probabilities of all rows, before the first step. */
  readonly reference: number;
  /** The first step, which is not among `steps`. */
  readonly first: number;
  readonly steps: readonly number[];
  /** Of the whole process. */
  readonly peakMemoryBytes: number;
}

/** Parts of the start of our process. */
export interface OwnTimes extends TrainingTimes {
  /** Of `reference`, the pairs of the timed steps, by their share of the tokens. */
  readonly referenceOfSteps: number;
  /** Seconds by phase: process, load, compile, referenceGraph. */
  readonly start: Readonly<Record<string, number>>;
  /** Tokens of each timed step that went through the model. */
  readonly tokens: readonly number[];
}

/** Low-rank adapters of all linear layers, as every trainer here has them. */
export const ADAPTER = { rank: 16, alpha: 32 } as const;

/** Settings of a run on pairs of a file, in their order. */
export function settingsOf(
  { model, loss, rows, batch, threads }: Omit<TrainingJob, "cache">,
  steps: number,
): GivenSettings {
  return {
    ...{ model, loss, data: rows, batch, threads, steps },
    // Single answers, two of each pair.
    ...loss === "kto" && { batch: 2 * batch },
    ...{ device: "cpu", order: "sequential", preset: "trl" },
    ...{ learningRate: 1e-5, schedule: "constant" },
    tuning: { kind: "lora", ...ADAPTER, targets: "all-linear" },
  };
}

/** Trains in this process, which should be a fresh one. */
export async function timeTraining(
  job: TrainingJob,
  options: Pick<RunOptions, "group" | "onTrained"> = {},
): Promise<OwnTimes> {
  const begun = performance.now() / 1000;
  const settings = settingsOf(job, job.steps + 1);
  const scored: number[] = [];
  const done = await run(settings, {
    ...options,
    cache: job.cache,
    measuring: () => Promise.resolve({}),
    onReference: () => scored.push(performance.now() / 1000),
  });
  const { record: { timings: { phases } }, rows } = done!;
  const [first, ...timed] = rows;
  const tokens = timed.map((row) => Number(row["tokens"]));
  const timedTokens = tokens.reduce((a, b) => a + b, 0);
  const share = timedTokens / (timedTokens + Number(first!["tokens"]));
  const { load = 0, compile = 0 } = phases;
  // Its graph is compiled before it is first told of.
  const reference = (scored.at(-1) ?? 0) - (scored[0] ?? 0);
  const referenceGraph = (phases["reference"] ?? 0) - reference;
  return {
    load: begun + load + compile + referenceGraph,
    start: { process: begun, load, compile, referenceGraph },
    reference,
    referenceOfSteps: reference * share,
    first: Number(first!["seconds"]),
    steps: timed.map((row) => Number(row["seconds"])),
    tokens,
    peakMemoryBytes: peakMemory(),
  };
}
