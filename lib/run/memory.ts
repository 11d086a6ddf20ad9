import process from "node:process";
import { OPTIMIZERS } from "../optim.ts";
import type { TrainSettings } from "./settings.ts";

/** The settings that memory depends on before activations. */
export type Storage = Pick<
  TrainSettings,
  "baseWeights" | "optimizer" | "tuning"
>;

/** Bytes of a weight that is not trained, in each storage, at least. */
const STORED = { float32: 4, half: 2, int8: 1, int4: 0.5, w8a16: 1 } as const;

/**
 * Bytes that a process that trains holds at the least: weights once, though
 * most graphs have a copy of their own, and of trained ones the present
 * values, sums of gradients and the optimizer's state. Activations come on top of
 * them.
 */
export function leastMemory(
  { total, trainable }: { total: number; trainable: number },
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
export function otherwise({ baseWeights, tuning }: Storage): string {
  if (tuning.kind === "full") return ", or an adapter in place of --full";
  const isWhole = baseWeights === "float32" || baseWeights === "half";
  return isWhole ? ", or --base-weights int8 or int4" : "";
}

/** Bytes that no process uses now, and that this one may. */
export function freeMemory(): number {
  const { available } = Deno.systemMemoryInfo();
  const rest = machineMemory() - Deno.memoryUsage().rss;
  // Some systems do not say.
  return available > 0 ? Math.min(available, rest) : rest;
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
