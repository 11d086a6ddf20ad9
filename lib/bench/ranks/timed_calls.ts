import type { Group } from "../../distributed/group.ts";

/** Seconds of the calls that ranks make of one another. */
export interface TimedCalls {
  /** A gathering of one word of each rank. */
  readonly gather: number;
  /** What it takes longer for the outputs of one example more on each rank. */
  readonly gatherExample: number;
  /** Sums of so many numbers. */
  readonly reductions: readonly { floats: number; seconds: number }[];
}

/** Times each call; the median counts. */
const TIMES = 15;
/** Examples whose outputs are gathered. */
const EXAMPLES = 512;

/**
 * Times the calls of a group, each as often as it takes for a median.
 *
 * @param floats the lengths of arrays that are summed.
 */
export async function timeCalls(
  group: Group,
  floats: readonly number[],
): Promise<TimedCalls> {
  const median = async (call: () => Promise<unknown>) => {
    const seconds: number[] = [];
    for (let i = 0; i < TIMES; i++) {
      await group.gather(null); // so that none waits for a late one
      const start = performance.now();
      await call();
      seconds.push((performance.now() - start) / 1000);
    }
    return seconds.sort((a, b) => a - b)[Math.floor(TIMES / 2)]!;
  };
  const gather = await median(() => group.gather(true));
  const outputs = outputsOf(EXAMPLES);
  const gatherOutputs = await median(() => group.gather(outputs));
  const reductions = [];
  for (const length of floats) {
    const values = new Float32Array(length);
    const seconds = await median(() => group.allReduce(values));
    reductions.push({ floats: length, seconds });
  }
  const gatherExample = Math.max(0, gatherOutputs - gather) / EXAMPLES;
  return { gather, gatherExample, reductions };
}

/** Outputs as a step of pairs has them. */
function outputsOf(examples: number) {
  const list = <T>(each: (i: number) => T) =>
    Array.from({ length: examples }, (_, i) => each(i));
  return {
    tokens: 1,
    losses: list((i) => Math.cos(i)),
    logProbs: list((i) => [Math.cos(i), Math.sin(i)]),
    logProbGradients: list((i) => [Math.cos(i), Math.sin(i)]),
    metrics: new Map(),
  };
}
