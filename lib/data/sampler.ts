import { rowTokens } from "./tree_batch.ts";
import type { TokenRow } from "./example.ts";

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

/** Slots of a micro-batch, unless a run says otherwise. */
export const MICRO_TOKENS = 1024;

/**
 * Cuts rows into runs whose slots (rows × longest row) stay within a budget of
 * tokens; a single row may exceed it. Memory follows the slots.
 *
 * @returns ranges of the rows, `[start, end)`.
 */
export function microBatches(
  rows: readonly TokenRow[],
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

/** Orders in which an epoch takes the examples; see `planBatches()`. */
export const ORDERS = ["shuffled", "sequential", "stratified"] as const;
export type Order = typeof ORDERS[number];

export interface PlanOptions extends BatchOptions {
  order: Order;
  /** Passes over the examples; may be a fraction. */
  epochs: number;
  /** Optimizer steps; overrides `epochs` where it is given. */
  steps?: number | undefined;
  /** The order of one epoch, unless it is `sequential`. */
  shuffle: (epoch: number, order: readonly number[]) => readonly number[];
  /** Whether each example is desirable, for `stratified`. */
  labels?: readonly (boolean | undefined)[];
}

/**
 * Plans a run: the numbers of the examples of each optimizer step. The whole run
 * is known before it starts, so that it can be resumed at any step. The order of
 * the examples does not depend on the size of the batches.
 *
 * An epoch takes each example once: as they stand (`sequential`), shuffled, or
 * shuffled and {@linkcode stratified}.
 *
 * @throws RangeError where examples cannot be stratified.
 */
export function planBatches(
  count: number,
  { order, epochs, steps, shuffle, labels = [], ...batch }: PlanOptions,
): number[][] {
  const all = Array.from({ length: count }, (_, i) => i);
  const inOrder: Record<Order, (epoch: number) => readonly number[]> = {
    sequential: () => all,
    shuffled: (epoch) => shuffle(epoch, all),
    stratified: (epoch) => stratified(shuffle(epoch, all), labels),
  };
  const epoch = (number: number) =>
    optimizerBatches(inOrder[order](number), batch);
  const wanted = steps ?? Math.ceil(epochs * epoch(0).length);
  const plan: number[][] = [];
  for (let number = 0; plan.length < wanted; number++) {
    plan.push(...epoch(number));
  }
  return plan.slice(0, wanted);
}

/**
 * Moves the examples of an order so that desirable and undesirable ones are
 * mixed evenly; each class keeps its own order. If D of n examples are desirable,
 * the first k have D·k/n of them, rounded. So any run of s examples, and any
 * batch, has D·s/n rounded up or down.
 *
 * @param labels of all examples, by their numbers.
 * @throws RangeError for examples without labels, or all of one class.
 */
export function stratified(
  order: readonly number[],
  labels: readonly (boolean | undefined)[],
): number[] {
  const desirable = order.filter((i) => labels[i] === true);
  const undesirable = order.filter((i) => labels[i] === false);
  const [all, good] = [order.length, desirable.length];
  const bad = undesirable.length;
  if (good === 0 || bad === 0 || good + bad < all) {
    throw new RangeError(
      `Cannot stratify ${all} examples: ${good} are desirable and ${bad} undesirable; ` +
        "expected some of both and nothing else",
    );
  }
  // In integers: 2·D·k is exact where D·k/n is not.
  const due = (k: number) => Math.floor((2 * good * k + all) / (2 * all));
  return order.map((_, k) =>
    due(k + 1) > due(k) ? desirable[due(k)]! : undesirable[k - due(k)]!
  );
}
