import { mean } from "../../train/metrics.ts";
import type { Sections } from "../record.ts";

type Process = Sections["ranks"]["processes"][number];

/** What a step of several ranks costs, in seconds. */
export interface RankCosts {
  /** Of a step, whatever its tokens. */
  readonly perStep: number;
  readonly perToken: number;
  /** Of a call of all ranks, whatever it moves. */
  readonly perCall: number;
  /** Of the outputs of an example, on every rank. */
  readonly perExample: number;
  /** Of a byte that a rank sends and receives in a ring. */
  readonly perByte: number;
}

/** A step to be predicted. */
export interface RankStep {
  readonly ranks: number;
  readonly examples: number;
  readonly tokens: number;
  /** The part of them that the busiest rank has. */
  readonly share: number;
  /** Numbers in the gradient. */
  readonly floats: number;
  /** How many ranks compute in turn on the cores of one. */
  readonly inTurn: number;
}

/** Gatherings of a step: the outputs, and whether a stop was asked for. */
const GATHERINGS = 2;

/**
 * Bytes that each rank sends in a ring: it adds up 1/N of the array N − 1 times
 * and passes as much on (Patarasuk and Yuan 2009,
 * https://doi.org/10.1016/j.jpdc.2008.09.002).
 */
export function ringBytes(floats: number, ranks: number): number {
  return 2 * (ranks - 1) / ranks * 4 * floats;
}

/**
 * Seconds of a step:
 *
 *     T = inTurn · (perStep + perToken · tokens · share)
 *       + (gatherings + 1) · perCall + perExample · examples + perByte · ringBytes
 *
 * where the second line is 0 on one rank.
 */
export function stepSeconds(costs: RankCosts, step: RankStep): number {
  const { ranks, examples, tokens, share, floats, inTurn } = step;
  const computing = costs.perStep + costs.perToken * tokens * share;
  const calls = ranks === 1 ? 0 : (GATHERINGS + 1) * costs.perCall +
    costs.perExample * examples + costs.perByte * ringBytes(floats, ranks);
  return inTurn * computing + calls;
}

/** Processes of one number of ranks on one size of batch. */
interface Measured extends Pick<Process, "ranks" | "batch" | "floats"> {
  /** Of each step: its tokens, the busiest rank's part, the best time. */
  readonly steps: readonly {
    readonly tokens: number;
    readonly share: number;
    readonly seconds: number;
  }[];
}

/**
 * The best time of each step over the rounds, in which it has the same pairs:
 * whatever else a machine does takes time and gives none.
 */
function measuredSteps(processes: readonly Process[]): Measured[] {
  const groups = Map.groupBy(
    processes,
    ({ ranks, batch }) => `${ranks} of ${batch}`,
  );
  return [...groups.values()].map((rounds) => {
    const { ranks, batch, floats, tokens, shares } = rounds[0]!;
    const steps = tokens.map((tokens, i) => ({
      ...{ tokens, share: shares[i]! },
      seconds: least(rounds.map(({ steps }) => steps[i]!)),
    }));
    return { ranks, batch, floats, steps };
  });
}

/**
 * Fits computing to the steps of one rank, and calls to those of the largest
 * number that has a core for each rank.
 */
export function fittedCosts(
  processes: readonly Process[],
  { cores, threads }: { cores: number; threads: number },
): RankCosts {
  const fitting = processes.filter(({ ranks }) =>
    ranks > 1 && ranks * threads <= cores
  );
  const most = Math.max(...fitting.map(({ ranks }) => ranks));
  const together = fitting.filter(({ ranks }) => ranks === most);
  const alone = measuredSteps(processes.filter(({ ranks }) => ranks === 1));
  const computing = lineThrough(
    alone.flatMap(({ steps }) =>
      steps.map(({ tokens, seconds }) => [tokens, seconds] as const)
    ),
  );
  const lengths = together[0]!.reductions.map(({ floats }) => floats);
  const moving = lineThrough(lengths.map((floats, i) => {
    const seconds = together.map(({ reductions }) => reductions[i]!.seconds);
    return [ringBytes(floats, most), least(seconds)] as const;
  }));
  return {
    perStep: Math.max(0, computing.start),
    perToken: computing.slope,
    perCall: least(together.map(({ gather }) => gather)),
    perExample: least(together.map(({ gatherExample }) => gatherExample)),
    perByte: moving.slope,
  };
}

/** Steps as measured and as predicted, of each number of ranks and batch. */
export interface PredictedSteps {
  readonly ranks: number;
  readonly batch: number;
  readonly inTurn: number;
  /** Mean over steps of their best times. */
  readonly measured: number;
  readonly predicted: number;
  /** Time of one rank over that of all of them together. */
  readonly efficiency: number;
}

/** Compares every measured step with what the fitted costs predict. */
export function predictedSteps(
  processes: readonly Process[],
  machine: { cores: number; threads: number },
): PredictedSteps[] {
  const costs = fittedCosts(processes, machine);
  const found = measuredSteps(processes).map(
    ({ ranks, batch, floats, steps }) => {
      const inTurn = Math.max(1, ranks * machine.threads / machine.cores);
      const rest = { ranks, examples: batch, floats, inTurn };
      return {
        ...{ ranks, batch, inTurn },
        measured: mean(steps.map(({ seconds }) => seconds)),
        predicted: mean(
          steps.map((step) => stepSeconds(costs, { ...step, ...rest })),
        ),
      };
    },
  );
  return found.map((each) => {
    const alone = found.find(({ ranks, batch }) =>
      ranks === 1 && batch === each.batch
    );
    const efficiency = (alone?.measured ?? NaN) / each.ranks / each.measured;
    return { ...each, efficiency };
  });
}

/** The line of least squares of relative errors. */
function lineThrough(points: readonly (readonly [x: number, y: number])[]) {
  const sum = (of: (x: number, y: number) => number) =>
    points.reduce((total, [x, y]) => total + of(x, y) / y ** 2, 0);
  const [n, x, y] = [sum(() => 1), sum((x) => x), sum((_, y) => y)];
  const [xx, xy] = [sum((x) => x * x), sum((x, y) => x * y)];
  const slope = (n * xy - x * y) / (n * xx - x * x);
  return { slope, start: (y - slope * x) / n };
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}
