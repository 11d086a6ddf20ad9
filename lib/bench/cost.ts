import type { Example } from "../data/example.ts";
import { rowTokens, suitedCuts } from "../data/tree_batch.ts";
import { findLoss } from "../losses/registry.ts";
import { resolveOptions } from "../losses/options.ts";
import { countParameters, parameterNames } from "../models/parameters.ts";
import type { Policy } from "../models/policy.ts";
import type { Device } from "../onnx/providers.ts";
import { peakMemory } from "../record/environment.ts";
import { Trainer } from "../train/trainer.ts";
import { type DecoderSizes, randomPolicy } from "./random_policy.ts";
import { neededFlops, totalNeeded } from "./needed_flops.ts";

/** A step of a random decoder on random tokens. */
export interface CostJob extends DecoderSizes {
  /** Tokens of a pair: half of them prompt. */
  readonly length: number;
  /** Pairs of a step. */
  readonly batch: number;
  readonly threads: number;
}

/** What such a step costs. */
export interface Cost extends Omit<CostJob, "threads"> {
  readonly parameters: number;
  /** Of the faster of two steps after the first. */
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** Of the products that the step needs. */
  readonly gflops: number;
  /** Of the process, with model and graphs, before the first step. */
  readonly loadedBytes: number;
  readonly peakMemoryBytes: number;
}

/** The decoder and the rows from which each curve varies one number. */
export const BASE: Omit<CostJob, "threads"> = {
  ...{ hidden: 256, layers: 4, vocabulary: 8192, rank: 16 },
  ...{ length: 512, batch: 2 },
};

/** The curves: the number that varies, and its values. */
export const CURVES = {
  length: [128, 256, 512, 1024, 2048, 4096],
  batch: [1, 2, 4, 8],
  rank: [4, 16, 64],
  vocabulary: [4096, 16_384, 65_536, 131_072],
  hidden: [128, 256, 512, 1024],
} as const satisfies Partial<Record<keyof CostJob, readonly number[]>>;

/** A number that a curve varies. */
export type Varied = keyof typeof CURVES;
export const VARIED = Object.keys(CURVES) as Varied[];

/** The curves of a record in this file's order, each by what it varies. */
export function inOrder(
  curves: Readonly<Record<string, readonly Cost[]>>,
): [varied: Varied, points: readonly Cost[]][] {
  return VARIED.flatMap((name) => curves[name] ? [[name, curves[name]]] : []);
}

/** Measures in this process, which should be a fresh one. */
export async function timeCost({ threads, ...sizes }: CostJob): Promise<Cost> {
  const policy = randomPolicy(sizes);
  const rows = randomPairs(sizes);
  const trainer = await trainerOf(policy, "simpo", { rows, threads });
  const loadedBytes = peakMemory();
  await step(trainer, rows);
  const seconds = Math.min(
    await step(trainer, rows),
    await step(trainer, rows),
  );
  await trainer.release();
  const tokens = rows.reduce((sum, row) => sum + rowTokens(row), 0);
  return {
    ...sizes,
    parameters: countParameters(parameterNames(policy.config)),
    seconds,
    tokensPerSecond: tokens / seconds,
    gflops: totalNeeded(neededFlops(policy, rows)) / seconds / 1e9,
    loadedBytes,
    peakMemoryBytes: peakMemory(),
  };
}

/** Pairs of a length, half of it prompt. */
export function randomPairs(
  { length, batch, vocabulary }: Omit<CostJob, "threads">,
) {
  const completion = Math.floor(length / 4);
  const prompt = length - 2 * completion;
  return pairsOf({ prompt, completion, batch, vocabulary });
}

/** Pairs of completions of one length, of tokens that differ. */
export function pairsOf(
  { prompt, completion, batch, vocabulary }: Record<
    "prompt" | "completion" | "batch" | "vocabulary",
    number
  >,
): Example[] {
  const ids = (length: number, seed: number) =>
    Array.from({ length }, (_, i) => (seed + 31 * i) % vocabulary);
  return Array.from({ length: batch }, (_, i) => ({
    prompt: ids(prompt, 3 * i),
    completions: [ids(completion, 3 * i + 1), ids(completion, 3 * i + 2)],
  }));
}

/** A trainer on such rows, by a loss that reads no reference. */
export function trainerOf(
  policy: Policy,
  name: string,
  { rows, threads, device = "cpu" }: {
    rows: readonly Example[];
    threads: number;
    device?: Device;
  },
): Promise<Trainer> {
  const loss = findLoss(name);
  const lossOptions = resolveOptions(loss);
  const attentionCuts = suitedCuts(rows);
  const computing = { threads, device, attentionCuts };
  return Trainer.create({ policy, loss, lossOptions, ...computing });
}

/** Takes a step; its seconds. */
export async function step(
  trainer: Trainer,
  rows: readonly Example[],
): Promise<number> {
  const { lossOptions } = trainer.options;
  const options = { lossOptions, reference: null, learningRate: 1e-6 };
  const start = performance.now();
  await trainer.train(rows, options);
  return (performance.now() - start) / 1000;
}
