import type { Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { logSoftmax } from "../stats/distribution.ts";
import {
  type Comparison,
  type ExpectedLoss,
  expectedLoss,
} from "./expected_loss.ts";

/** A policy over a few answers, and how training moves it. */
export interface FlowOptions {
  /** π_ref of each answer, where the flow begins. */
  readonly start: readonly number[];
  /**
   * Features of each answer, one row an answer. Answers with like features
   * move together. @default one feature for each answer alone
   */
  readonly features?: readonly (readonly number[])[];
  /** The feedback. @default the first answer is preferred to the second */
  readonly comparisons?: readonly Comparison[];
  /** Values of the loss's options. @default their defaults */
  readonly lossOptions?: LossOptionValues;
  /** Time at which the flow ends at the latest. @default 200 */
  readonly time?: number;
  /** It also ends where no probability moves faster. @default 1e-6 */
  readonly still?: number;
}

/** The policy at one time. */
export interface FlowPoint {
  /** Units of gradient descent: steps times their length. */
  readonly time: number;
  /** π of each answer. */
  readonly probabilities: readonly number[];
}

/** Error of a step that is accepted, in logits and relative to them. */
const TOLERANCE = 1e-7;
/**
 * The shortest step, and the most of them: along a corner of a loss, where its
 * gradient jumps, no step is short enough, and the flow ends early.
 */
const SHORTEST = 1e-3;
const STEPS = 3000;
/** How far probabilities move at most in a step, and at least between points. */
const MOVE = { most: 0.02, least: 0.002 };

/**
 * Training with infinitely small steps: the policy π = softmax(z) of logits
 * z = W h + log π_ref, where the features W of the answers are fixed and the
 * hidden state h begins at 0. Gradient descent on h moves the logits by
 *
 *     dz/dt = −W Wᵀ ∂L/∂z.
 *
 * This is the model of "Unintentional Unalignment"
 * (https://arxiv.org/abs/2410.08847), in which alike answers displace one
 * another's likelihood. L is the loss itself, in float64; the path is
 * integrated by Bogacki and Shampine's pair of orders 2 and 3
 * (https://doi.org/10.1016/0893-9659(89)90079-7) with steps of its own choice.
 *
 * @returns the path: its start, points at which a probability has moved, its end.
 */
export async function gradientFlow(
  loss: Loss,
  { start, features, lossOptions, time = 200, still = 1e-6, ...given }:
    FlowOptions,
): Promise<FlowPoint[]> {
  await using expected = await expectedLoss(loss, {
    answers: start.map((probability) => ({ probability })),
    comparisons: given.comparisons ?? firstPreferred(loss),
    ...lossOptions && { lossOptions },
  });
  const slope = slopeOf(expected, features && kernelOf(features));
  const logits = start.map(Math.log);
  let at: State = { time: 0, logits, slope: await slope(logits) };
  const path = [pointOf(at)];
  let length = SHORTEST;
  for (let i = 0; i < STEPS && at.time < time && speed(at) > still; i++) {
    length = Math.min(length, MOVE.most / speed(at), time - at.time);
    const { next, error } = await step(slope, at, length);
    if (error <= 1 || length <= SHORTEST) {
      at = next;
      if (distance(pointOf(at), path.at(-1)!) >= MOVE.least) {
        path.push(pointOf(at));
      }
    }
    // Order 3: the error of a step falls with the cube of its length.
    length *= Math.min(4, Math.max(0.2, 0.9 * error ** (-1 / 3)));
    length = Math.max(SHORTEST, length);
  }
  if (path.at(-1)!.time < at.time) path.push(pointOf(at));
  return path;
}

const pointOf = ({ time, logits }: State): FlowPoint => ({
  time,
  probabilities: logSoftmax(logits).map(Math.exp),
});

const distance = (a: FlowPoint, b: FlowPoint) =>
  Math.max(
    ...a.probabilities.map((p, i) => Math.abs(p - b.probabilities[i]!)),
  );

/** The first answer is preferred to the second, or desirable, and it is not. */
function firstPreferred({ data }: Pick<Loss, "data">): Comparison[] {
  if (data === "pairs" || data === "ranks") {
    return [{ answers: [0, 1], weight: 1 }];
  }
  const chosen = { answers: [0], weight: 1 };
  return data === "completions"
    ? [chosen]
    : [chosen, { answers: [1], weight: 1, label: false }];
}

/** W Wᵀ: how much each answer's logit moves with another's. */
function kernelOf(features: readonly (readonly number[])[]): number[][] {
  return features.map((a) =>
    features.map((b) => a.reduce((sum, x, k) => sum + x * b[k]!, 0))
  );
}

interface State {
  readonly time: number;
  readonly logits: readonly number[];
  readonly slope: readonly number[];
}

type Slope = (logits: readonly number[]) => Promise<number[]>;

/** dz/dt; without a kernel each logit moves for itself. */
function slopeOf(
  expected: ExpectedLoss,
  kernel: readonly (readonly number[])[] | undefined,
): Slope {
  return async (logits) => {
    const logProbs = logSoftmax(logits);
    const { gradient } = await expected.at(logProbs);
    const total = gradient.reduce((a, b) => a + b, 0);
    const down = gradient.map((g, i) => Math.exp(logProbs[i]!) * total - g);
    return kernel?.map((row) =>
      row.reduce((sum, k, i) => sum + k * down[i]!, 0)
    ) ?? down;
  };
}

/** The largest change of a probability in a unit of time. */
function speed({ logits, slope }: State): number {
  const probabilities = logSoftmax(logits).map(Math.exp);
  const mean = probabilities.reduce((sum, p, i) => sum + p * slope[i]!, 0);
  return Math.max(
    ...probabilities.map((p, i) => Math.abs(p * (slope[i]! - mean))),
  );
}

/** One step, and its error, of which 1 is the largest to accept. */
async function step(
  slope: Slope,
  { time, logits, slope: first }: State,
  length: number,
): Promise<{ next: State; error: number }> {
  const moved = (...slopes: readonly [number, readonly number[]][]) =>
    logits.map((z, i) =>
      slopes.reduce((sum, [share, k]) => sum + length * share * k[i]!, z)
    );
  const second = await slope(moved([1 / 2, first]));
  const third = await slope(moved([3 / 4, second]));
  const end = moved([2 / 9, first], [1 / 3, second], [4 / 9, third]);
  const fourth = await slope(end);
  const errors = first.map((k, i) =>
    length *
    (-5 / 72 * k + second[i]! / 12 + third[i]! / 9 - fourth[i]! / 8)
  );
  const error = Math.max(
    1e-8,
    ...errors.map((e, i) =>
      Math.abs(e) / (TOLERANCE * (1 + Math.abs(end[i]!)))
    ),
  );
  return {
    next: { time: time + length, logits: end, slope: fourth },
    error: Number.isFinite(error) ? error : 1e9,
  };
}
