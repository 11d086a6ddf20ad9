import type { Group } from "lib/distributed/group.ts";

/** Ranks that lie in this process, each a group of so many. */
export function localGroups(size: number): Group[] {
  const meet = meetingOf(size);
  return Array.from({ length: size }, (_, rank): Group => ({
    rank,
    size,
    // Copies, as between processes.
    gather: async <T>(value: T) => {
      const all = await meet<T>(rank, structuredClone(value));
      return structuredClone(all);
    },
    allReduce: async (values) => {
      const all = await meet(rank, values.slice());
      values.fill(0);
      for (const each of all) each.forEach((x, i) => values[i]! += x);
    },
  }));
}

/** Runs each rank's part at the same time. */
export function onEveryRank<T>(
  size: number,
  part: (group: Group) => Promise<T>,
): Promise<T[]> {
  return Promise.all(localGroups(size).map(part));
}

/** A function that gives all ranks' values to each, once all have called it. */
function meetingOf(size: number) {
  let waiting: {
    values: unknown[];
    come: number;
    met: PromiseWithResolvers<void>;
  } | undefined;
  return async <T>(rank: number, value: T): Promise<T[]> => {
    const meeting = waiting ??= {
      values: [],
      come: 0,
      met: Promise.withResolvers<void>(),
    };
    meeting.values[rank] = value;
    if (++meeting.come === size) {
      waiting = undefined;
      meeting.met.resolve();
    }
    await meeting.met.promise;
    return meeting.values as T[];
  };
}
