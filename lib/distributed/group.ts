/**
 * The ranks of one run: processes that take the same steps, each on its share
 * of every batch. All of them make the same calls in the same order, one at a
 * time, and a call ends when all have made it.
 */
export interface Group {
  /** The number of this process, from 0. */
  readonly rank: number;
  /** The number of processes. */
  readonly size: number;
  /** Replaces each number by its sum over all ranks, in place. */
  allReduce(values: Float32Array<ArrayBuffer>): Promise<void>;
  /** Every rank's value, in the order of ranks: whatever `structuredClone` copies. */
  gather<T>(value: T): Promise<readonly T[]>;
}

/** The group of a run in one process. */
export const ALONE: Group = {
  rank: 0,
  size: 1,
  allReduce: () => Promise.resolve(),
  gather: (value) => Promise.resolve([value]),
};

/** What the first rank alone computes, on every rank. */
export async function fromFirst<T>(
  group: Group,
  compute: () => Promise<T>,
): Promise<T> {
  const values = await group.gather(group.rank === 0 ? [await compute()] : []);
  return values[0]![0]!;
}

/** Whether something is so on any rank. */
export async function onAnyRank(
  group: Group,
  isSo: boolean,
): Promise<boolean> {
  return (await group.gather(isSo)).includes(true);
}
