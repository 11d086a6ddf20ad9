import { meanInterval } from "../stats/interval.ts";
import type { PeerProcess } from "./record.ts";

/** A ratio with its interval over rounds. */
export interface Ratio {
  /** The geometric mean over rounds. */
  readonly estimate: number;
  /** Ends of a 95 % interval; `null` for a single round. */
  readonly low: number | null;
  readonly high: number | null;
  /** Rounds. */
  readonly n: number;
}

/**
 * The ratio of pairs of numbers, each measured in one round: Student's interval
 * of the mean log ratio, and its exponential.
 *
 * @throws RangeError on no pairs, or a number that is not above 0.
 */
export function ratioOf(
  over: readonly number[],
  under: readonly number[],
): Ratio {
  const logs = over.map((x, i) => Math.log(x / under[i]!));
  const { mean, low, high, n } = meanInterval(logs);
  const back = (x: number | null) => x === null ? null : Math.exp(x);
  return { estimate: Math.exp(mean), low: back(low), high: back(high), n };
}

/** How a peer under some settings compares with ours on one workload. */
export interface PeerRatios
  extends Pick<PeerProcess, "workload" | "loss" | "by"> {
  /** Their time of a step over ours. */
  readonly steps: Ratio;
  /**
   * The same with the reference's pass: over all pairs where both make it before
   * the first step, else over the pairs of the steps.
   */
  readonly withReference: Ratio;
  /** Their peak of memory over ours. */
  readonly memory: Ratio;
}

/** Compares each peer's processes with ours of the same rounds. */
export function peerRatios(
  processes: readonly PeerProcess[],
  ours: string,
): PeerRatios[] {
  const own = (peer: PeerProcess) =>
    processes.find(({ by, workload, loss, round }) =>
      by === ours && workload === peer.workload && loss === peer.loss &&
      round === peer.round
    );
  const peers = processes.filter((each) => each.by !== ours && own(each));
  const groups = Map.groupBy(
    peers,
    ({ workload, loss, by }) => `${workload} ${loss} ${by}`,
  );
  return Array.from(groups.values(), (theirs) => {
    const { workload, loss, by } = theirs[0]!;
    const compare = (of: (process: PeerProcess) => number) =>
      ratioOf(theirs.map(of), theirs.map((each) => of(own(each)!)));
    const isBefore = theirs.some(({ reference }) => reference > 0);
    const referenceOf = ({ reference, referenceOfSteps }: PeerProcess) =>
      isBefore ? reference : referenceOfSteps ?? reference;
    return {
      ...{ workload, loss, by, steps: compare(stepSeconds) },
      withReference: compare((each) => referenceOf(each) + stepSeconds(each)),
      memory: compare(({ peakMemoryBytes }) => peakMemoryBytes),
    };
  });
}

const stepSeconds = ({ steps }: PeerProcess) =>
  steps.reduce((a, b) => a + b, 0);
