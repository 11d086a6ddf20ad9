import { type Row, rowTokens } from "./tree_batch.ts";

export interface BatchOptions {
  /** Examples of an optimizer batch. */
  size: number;
  /** A last batch smaller than this joins the one before. @default 1 */
  minimum?: number;
}

/** Cuts an order of examples into optimizer batches. */
export function optimizerBatches<T>(
  order: readonly T[],
  { size, minimum = 1 }: BatchOptions,
): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < order.length; at += size) {
    batches.push(order.slice(at, at + size));
  }
  const last = batches.at(-1);
  if (batches.length > 1 && last && last.length < minimum) {
    batches.pop();
    batches.at(-1)!.push(...last);
  }
  return batches;
}

/**
 * Cuts rows into runs whose slots (rows × longest row) stay within a budget of
 * tokens; a single row may exceed it. Memory follows the slots.
 *
 * @returns ranges of the rows, `[start, end)`.
 */
export function microBatches(
  rows: readonly Row[],
  budget: number,
): [start: number, end: number][] {
  const ranges: [number, number][] = [];
  let start = 0;
  let longest = 0;
  for (const [i, row] of rows.entries()) {
    const length = Math.max(longest, rowTokens(row));
    if (i > start && length * (i - start + 1) > budget) {
      ranges.push([start, i]);
      start = i;
      longest = rowTokens(row);
    } else longest = length;
  }
  if (start < rows.length) ranges.push([start, rows.length]);
  return ranges;
}

/** Orders in which an epoch takes the examples. */
export const ORDERS = ["shuffled", "sequential"] as const;
export type Order = typeof ORDERS[number];

export interface PlanOptions extends BatchOptions {
  order: Order;
  /** Passes over the examples; may be a fraction. */
  epochs: number;
  /** Optimizer steps; overrides `epochs` where it is given. */
  steps?: number | undefined;
  /** The order of one epoch, for `shuffled`. */
  shuffle: (epoch: number, order: readonly number[]) => readonly number[];
}

/**
 * The examples of each optimizer step of a run, by their numbers. The whole
 * run is known before it starts, so that it can be resumed at any step.
 */
export function planBatches(
  count: number,
  { order, epochs, steps, shuffle, ...batch }: PlanOptions,
): number[][] {
  const all = Array.from({ length: count }, (_, i) => i);
  const epoch = (number: number) =>
    optimizerBatches(order === "shuffled" ? shuffle(number, all) : all, batch);
  const wanted = steps ?? Math.ceil(epochs * epoch(0).length);
  const plan: number[][] = [];
  for (let number = 0; plan.length < wanted; number++) {
    plan.push(...epoch(number));
  }
  return plan.slice(0, wanted);
}
