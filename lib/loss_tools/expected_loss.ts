import { gradient } from "../grad.ts";
import type { BatchStatistics, Loss } from "../losses/loss.ts";
import { type LossOptionValues, resolveOptions } from "../losses/options.ts";
import { compile } from "../onnx/session.ts";
import { hostData } from "../onnx/tensors.ts";
import { mul } from "../ops/elementwise.ts";
import { sum } from "../ops/shaping.ts";
import { statisticFeeds } from "../train/feeds.ts";
import {
  type GivenExample,
  type LossGraph,
  lossGraph,
  runLoss,
} from "./evaluate.ts";
import type { Evaluated } from "./minimise.ts";

/** One of the answers to a prompt. */
export interface Answer {
  /** Its probability under π_ref, above 0. */
  readonly probability: number;
  /** Tokens; they share its log-probability equally. @default 1 */
  readonly length?: number;
}

/** Feedback on answers, and how often it is given. */
export interface Comparison {
  /** Numbers of the answers: one, or from best to worst. */
  readonly answers: readonly number[];
  /** Its share of all feedback. */
  readonly weight: number;
  /** Desirability of a single answer. @default true */
  readonly label?: boolean;
}

/** A prompt's answers, and the feedback on them. */
export interface Feedback {
  readonly answers: readonly Answer[];
  readonly comparisons: readonly Comparison[];
  /** Values of the loss's options. @default their defaults */
  readonly lossOptions?: LossOptionValues;
}

/** The loss that a policy has on average over all feedback on a prompt. */
export interface ExpectedLoss extends AsyncDisposable {
  /** The loss's statistics under log π of each answer; none has `{}`. */
  statistics(logProbs: readonly number[]): BatchStatistics["values"];
  /** Σ weight · loss, and its derivative by log π of each answer. */
  at(
    logProbs: readonly number[],
    statistics?: BatchStatistics["values"],
  ): Promise<Evaluated>;
}

/** Rows that stand for feedback of unequal weights, for statistics. */
const ROWS = 10_000;

/**
 * Compiles the expected loss, in float64, from the loss itself.
 *
 * Statistics are computed from the policy at hand: a mean over all steps, such
 * as BCO's, is that of one policy then.
 *
 * @throws RangeError where a statistic has a number for each example and the
 * weights differ: the loss couples its examples.
 */
export async function expectedLoss(
  loss: Loss,
  { answers, comparisons, lossOptions: given }: Feedback,
): Promise<ExpectedLoss> {
  const lossOptions = resolveOptions(loss, given);
  const rows = representatives(loss, comparisons);
  const refs = answers.map(({ probability }) => Math.log(probability));
  const statistics = (logProbs: readonly number[]) =>
    loss.statistics?.reduce(
      rows.map((comparison) =>
        comparison.answers.map((i) => ({
          logProb: logProbs[i]!,
          refLogProb: refs[i]!,
          length: answers[i]!.length ?? 1,
        }))
      ),
      lossOptions,
      loss.statistics.initialState ?? {},
    ).values ?? {};
  const examples = comparisons.map(({ answers: compared, label, weight }) => ({
    weight,
    ...label !== undefined && { label },
    completions: compared.map((i) => ({
      ...answers[i]!,
      logProb: refs[i]!,
      refLogProb: refs[i]!,
    })),
  }));
  const { program, feeds, read, count } = await compileShares(
    lossGraph(loss, examples, {
      ...{ lossOptions, float: "float64", statistics: statistics(refs) },
    }),
    comparisons,
  );
  const owners = comparisons.flatMap(({ answers }) => answers);
  return {
    statistics,
    at: async (logProbs, values = statistics(logProbs)) => {
      const data = new Float64Array(count);
      for (const [k, i] of owners.entries()) data[k] = logProbs[i]!;
      const results = await program.run({
        ...feeds,
        ...statisticFeeds(loss, {
          statistics: values,
          examples: examples.length,
        }, read.graph),
        [read.name]: { data, shape: [count] },
      });
      const slopes = hostData(results["slope"]);
      const totals = new Array<number>(answers.length).fill(0);
      for (const [k, i] of owners.entries()) totals[i]! += slopes[k]!;
      return { value: hostData(results["value"])[0]!, gradient: totals };
    },
    [Symbol.asyncDispose]: () => program.release(),
  };
}

/** Compiles the sum of losses by the weights of their comparisons, and its slopes. */
async function compileShares(
  { logProbs: read, loss, feeds }: LossGraph,
  comparisons: readonly Comparison[],
) {
  const share = read.graph.input("share", ["n"]);
  const value = sum(mul(loss, share));
  const [slope] = gradient(value, [read]);
  const weights = {
    data: Float64Array.from(comparisons, ({ weight }) => weight),
    shape: [comparisons.length],
  };
  return {
    program: await compile({ value, slope: slope! }),
    feeds: { ...feeds, [share.name]: weights },
    read,
    count: feeds[read.name]!.shape[0]!,
  };
}

/** Feedback as a batch has it, each as often as its weight says. */
function representatives(
  { id, statistics }: Loss,
  comparisons: readonly Comparison[],
): readonly Comparison[] {
  const [first] = comparisons;
  if (!statistics || !first) return [];
  if (comparisons.every(({ weight }) => weight === first.weight)) {
    return comparisons;
  }
  if (Object.values(statistics.outputs).includes("list")) {
    throw new RangeError(
      `Cannot compute the expected loss "${id}": it couples the examples of a batch, expected a loss of each example`,
    );
  }
  const total = comparisons.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  return comparisons.flatMap((comparison) => {
    const from = Math.round(before * ROWS / total);
    before += comparison.weight;
    const count = Math.round(before * ROWS / total) - from;
    return new Array<Comparison>(count).fill(comparison);
  });
}

/**
 * Whether a loss tells answers apart by log π/π_ref alone, up to a factor: not
 * by log π itself, nor by length. Then all answers that its feedback treats
 * alike may stand as one, with their probability in sum.
 */
export async function readsRatiosAlone(
  loss: Loss,
  lossOptions: LossOptionValues = {},
): Promise<boolean> {
  const slopes = async (shift: number, longer: number) => {
    const given = { lossOptions, float: "float64" } as const;
    const { gradients } = await runLoss(
      loss,
      [-1, 0.5, 2].map((at, i) => probe(loss, at, { shift, longer, i })),
      given,
    );
    const flat = gradients.flat();
    const size = Math.hypot(...flat) || 1; // of a loss that reads nothing
    return flat.map((x) => x / size);
  };
  const [plain, other] = [await slopes(0, 0), await slopes(-4, 3)];
  return plain.every((x, i) => Math.abs(x - other[i]!) < 1e-9);
}

/** An example whose log-ratios do not depend on the shift of its answers. */
function probe(
  { data }: Pick<Loss, "data">,
  at: number,
  { shift, longer, i }: Record<"shift" | "longer" | "i", number>,
): GivenExample {
  const count = data === "pairs" || data === "ranks" ? 2 : 1;
  return {
    label: i !== 1,
    completions: Array.from({ length: count }, (_, k) => {
      const refLogProb = -6 + shift * (1 + i) * (1 + k);
      const logProb = refLogProb + at - 0.7 * k;
      return { logProb, refLogProb, length: 1 + longer * i * (1 + k) };
    }),
  };
}
