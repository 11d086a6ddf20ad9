import process from "node:process";
import { OPTIMIZERS } from "lib/optim.ts";
import type { parameterCounts } from "lib/run/record.ts";
import type { ComparisonSettings } from "./settings.ts";

/** Bytes of a weight that is not trained, in each storage, at least. */
const STORED = { float32: 4, half: 2, int8: 1, int4: 0.5 } as const;

/**
 * Bytes that a process of a comparison holds at the least: weights once, though
 * most graphs have a copy of their own, and of trained ones the first values,
 * the present ones, sums of gradients and the optimizer's state. Activations
 * come on top of them.
 */
export function leastMemory(
  { total, trainable }: ReturnType<typeof parameterCounts>,
  { baseWeights, optimizer }: ComparisonSettings["train"],
): number {
  const { slots } = OPTIMIZERS[optimizer];
  return STORED[baseWeights] * (total - trainable) +
    4 * trainable * (3 + slots.length);
}

/**
 * @param bytes that each process needs.
 * @param options `what`: the number in words, such as "holds at least".
 * @throws Error where the processes need more memory than this one may use.
 */
export function requireMemory(
  bytes: number,
  { jobs, what, machine = machineMemory() }: {
    jobs: number;
    what: string;
    machine?: number;
  },
): void {
  if (jobs * bytes <= machine) return;
  const most = Math.floor(machine / bytes);
  throw new Error(
    `Cannot run with --jobs ${jobs}: each process ${what} ${
      gigabytes(bytes)
    }, and there are ${gigabytes(machine)} in all; expected ${
      most === 0
        ? "a smaller model, or --base-weights int8 or int4"
        : `--jobs ${most}${most === 1 ? "" : " or fewer"}`
    }`,
  );
}

/** Bytes of this machine's memory, or of the part that this process may use. */
export function machineMemory(): number {
  return Math.min(Deno.systemMemoryInfo().total, process.constrainedMemory());
}

export function gigabytes(bytes: number): string {
  const value = bytes / 1e9;
  return `${value >= 1 ? value.toFixed(1) : value.toPrecision(2)} GB`;
}
