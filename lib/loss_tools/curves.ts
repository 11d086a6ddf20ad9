import {
  type GivenExample,
  logProbPairs,
  type LossRun,
  runLoss,
} from "./evaluate.ts";
import type { BatchStatistics, Loss } from "../losses/loss.ts";
import { resolveOptions } from "../losses/options.ts";
import type { Curves, WeightMaps } from "../plot/loss_panels.ts";

/**
 * The range of plots: answers of 20 tokens with 2 nats each under the reference,
 * and policies that make them up to 30 nats likelier or less likely.
 */
export const START = { logProb: -40, length: 20 };
const REACH = 30;
/** Steps from 0 to REACH, along curves and along the sides of maps. */
const CURVE_STEPS = 120;
const MAP_STEPS = 20;

/**
 * A loss with its default options, along a line on which its examples improve.
 * For pairs, x is (log π/π_ref of y_w) − (log π/π_ref of y_l), of which raising
 * y_w and lowering y_l are half each; for single answers it is log π/π_ref.
 */
export interface LossCurves extends Omit<Curves, "axis"> {
  /** The values of `losses` at π = π_ref. */
  readonly start: readonly number[];
}

type Kind = "pairs" | "labels" | "completions";

/** Plots show ranked lists of two, which are pairs. */
const kindOf = ({ data }: Loss): Kind => data === "ranks" ? "pairs" : data;

/** Values and gradient weights of a loss. */
export async function lossCurves(loss: Loss): Promise<LossCurves> {
  const deltas = steps(CURVE_STEPS);
  const kind = kindOf(loss);
  if (kind === "labels") return await labelCurves(loss, deltas);
  const isPair = kind === "pairs";
  const { losses, gradients } = await run(
    loss,
    deltas.map((delta) => isPair ? pair(delta, -delta) : single(delta)),
  );
  return {
    x: deltas.map((delta) => isPair ? 2 * delta : delta),
    losses: [{ name: "loss", y: losses }],
    weights: [
      { name: "raises y_w", y: gradients.map(([w]) => -w!) },
      ...(isPair
        ? [{ name: "lowers y_l", y: gradients.map(([, l]) => l!) }]
        : []),
    ],
    start: [losses[CURVE_STEPS]!],
  };
}

async function labelCurves(
  loss: Loss,
  deltas: readonly number[],
): Promise<LossCurves> {
  const { losses, gradients } = await run(loss, [
    ...deltas.map((delta) => single(delta, true)),
    ...deltas.map((delta) => single(delta, false)),
  ]);
  const slopes = gradients.map(([slope]) => slope!);
  const n = deltas.length;
  const curves = [
    { name: "desirable", y: losses.slice(0, n) },
    { name: "undesirable", y: losses.slice(n) },
  ];
  return {
    x: deltas,
    losses: curves,
    weights: [
      { name: "raises desirable", y: slopes.slice(0, n).map((x) => -x) },
      { name: "lowers undesirable", y: slopes.slice(n) },
    ],
    start: curves.map(({ y }) => y[CURVE_STEPS]!),
  };
}

/** Weights by both answers; `null` for a loss of single answers, which has one. */
export async function weightMaps(loss: Loss): Promise<WeightMaps | null> {
  if (kindOf(loss) !== "pairs") return null;
  const sides = steps(MAP_STEPS);
  const { gradients } = await run(
    loss,
    sides.flatMap((w) => sides.map((l) => pair(w, l))),
  );
  const square = (weight: (slopes: readonly number[]) => number) =>
    sides.map((_, i) =>
      sides.map((_, k) => weight(gradients[i * sides.length + k]!))
    );
  return {
    sides,
    maps: [
      { name: "raises y_w", weights: square(([w]) => -w!) },
      { name: "lowers y_l", weights: square(([, l]) => l!) },
    ],
  };
}

/** From −REACH to REACH, through 0. */
function steps(half: number): number[] {
  return Array.from(
    { length: 2 * half + 1 },
    (_, i) => REACH * (i - half) / half,
  );
}

function answer(delta: number) {
  const { logProb, length } = START;
  return { logProb: logProb + delta, refLogProb: logProb, length };
}

function pair(w: number, l: number): GivenExample {
  return { completions: [answer(w), answer(l)] };
}

function single(delta: number, label = true): GivenExample {
  return { completions: [answer(delta)], label };
}

async function run(
  loss: Loss,
  examples: readonly GivenExample[],
): Promise<LossRun> {
  const statistics = statisticsOf(loss, examples);
  return await runLoss(loss, examples, statistics && { statistics });
}

/**
 * Numbers of the batch as they are at π = π_ref; what belongs to an example as
 * it is in a batch of that example alone.
 */
function statisticsOf(
  loss: Loss,
  examples: readonly GivenExample[],
): BatchStatistics["values"] | undefined {
  const { statistics, data } = loss;
  if (!statistics) return undefined;
  const options = resolveOptions(loss);
  const reduce = (batch: readonly GivenExample[]) =>
    statistics.reduce(
      batch.map(logProbPairs),
      options,
      statistics.initialState ?? {},
    ).values;
  const start = reduce([data === "labels" ? single(0) : pair(0, 0)]);
  return Object.fromEntries(
    Object.entries(statistics.outputs).map(([name, kind]) => [
      name,
      kind === "number" ? start[name]! : examples.map((example) => {
        const alone = reduce([example])[name];
        return typeof alone === "object" ? alone[0]! : NaN;
      }),
    ]),
  );
}
