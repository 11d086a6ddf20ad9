/**
 * The ranks of one run: processes that take the same steps, each on its share
 * of every batch. All of them make the same calls in the same order, one at a
 * time, and a call ends when all have made it. Where one of them has failed, a
 * `gather` throws a {@linkcode GroupError}.
 */
export interface Group {
  /** The number of this process, from 0. */
  readonly rank: number;
  /** The number of processes. */
  readonly size: number;
  /** Replaces each number by its sum over all ranks, in place. */
  allReduce(values: Float32Array<ArrayBuffer>): Promise<void>;
  /**
   * The same of numbers in the memory of each rank's device, which stay there;
   * absent where only the host's memory can be summed.
   */
  allReduceOnDevice?(arrays: readonly DeviceArray[]): Promise<void>;
  /** Every rank's value, in the order of ranks: whatever `structuredClone` copies. */
  gather<T>(value: T): Promise<readonly T[]>;
}

/** Float32 numbers in the memory of a device. */
export interface DeviceArray {
  /** Where the first one is. */
  readonly address: bigint;
  /** How many there are. */
  readonly length: number;
}

/** Thrown where ranks cannot go on together: one has failed, or what joins them. */
export class GroupError extends Error {
  /** Tells it from other errors. */
  override name = "GroupError";
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
