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
