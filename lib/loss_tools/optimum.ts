import type { Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { Rng } from "../rng.ts";
import {
  type Descent,
  hasCorner,
  hasWholeGradient,
  isConstant,
  NEVER,
  settle,
} from "./descent.ts";
import {
  type Answer,
  type Comparison,
  type ExpectedLoss,
  expectedLoss,
} from "./expected_loss.ts";

/** Answers to a prompt, and which of them is preferred how often. */
export interface Population {
  /** The answers; their probabilities sum to 1. */
  readonly answers: readonly Answer[];
  /** The probability that one answer, by number, is preferred to another. */
  preference(first: number, second: number): number;
  /**
   * The probability with which each answer is compared, where the compared
   * answers are not those of π_ref.
   *
   * @default that of π_ref
   */
  readonly compared?: readonly number[];
  /** The shares of single answers with each label that are kept. @default all */
  readonly kept?: { readonly desirable: number; readonly undesirable: number };
}

/** The policy at which a loss is least, or why there is none. */
export type Optimum =
  | {
    /** Whether some policy has the loss, or policies only tend to it. */
    readonly kind: "attained" | "limit";
    /** The expected loss there. */
    readonly loss: number;
    /** log π of each answer. */
    readonly logProbs: readonly number[];
  }
  | {
    /** There is none, or none was found. */
    readonly kind: "none";
    /** The reason, in words. */
    readonly why: string;
  };

/**
 * The population optimum of a loss: the policy, of all that give each answer a
 * probability of its own, that minimises
 *
 *     E[loss],  y₁, y₂ ~ π_ref independently,  y₁ preferred with P(y₁ ≻ y₂).
 *
 * Single answers are desirable where they were preferred, and undesirable
 * where not; losses of chosen answers alone see the preferred ones. DPO's is
 * π_ref exp(r/β), normalised, for Bradley–Terry preferences of a reward r.
 *
 * It minimises the loss itself over log-ratios x, π ∝ π_ref eˣ, in float64 by
 * L-BFGS from several starts. Where these disagree, as with KTO, whose loss is
 * not convex, it also searches from π_ref without the answers that lose most
 * often, for every number of them, and takes the least minimum: no proof that
 * there is no other.
 *
 * Statistics of the batch are constants in a loss's gradient. They are taken
 * from the policy found, and the search repeated, until they stand still.
 *
 * @example DPO's optimum for rewards of 0 and log 2
 * ```ts
 * import { findLoss, optimum } from "@prefgrad/prefgrad/losses";
 * import { ok } from "node:assert/strict";
 *
 * const found = await optimum(findLoss("dpo"), {
 *   answers: [{ probability: 0.5 }, { probability: 0.5 }],
 *   preference: (i, j) => i === j ? 1 / 2 : i > j ? 2 / 3 : 1 / 3,
 * }, { beta: 1 });
 * ok(found.kind === "attained");
 * ok(Math.abs(Math.exp(found.logProbs[1]!) - 2 / 3) < 1e-6);
 * ```
 */
export async function optimum(
  loss: Loss,
  population: Population,
  lossOptions: LossOptionValues = {},
): Promise<Optimum> {
  const { statistics } = loss;
  if (Object.values(statistics?.outputs ?? {}).includes("list")) {
    return none("the loss couples the examples of a batch");
  }
  await using expected = await expectedLoss(loss, {
    answers: population.answers,
    comparisons: allComparisons(loss, population),
    lossOptions,
  });
  if (!await hasWholeGradient(expected, population.answers)) {
    return none("no gradient flows through a part of the loss");
  }
  if (await isConstant(expected, population.answers)) {
    return none("every policy has the same loss");
  }
  if (await isCornered(loss, likeliest(population, FEW), lossOptions)) {
    return none("the loss has corners, where a search by gradients ends");
  }
  return verdict(await searches(expected, population));
}

/** Answers among which a corner shows as it does among many, in less time. */
const FEW = 8;

/** The likeliest answers alone. */
function likeliest(
  { answers, preference }: Population,
  count: number,
): Population {
  const kept = [...answers.keys()]
    .toSorted((i, j) => answers[j]!.probability - answers[i]!.probability)
    .slice(0, count);
  const total = kept.reduce((sum, i) => sum + answers[i]!.probability, 0);
  return {
    answers: kept.map((i) => ({
      ...answers[i]!,
      probability: answers[i]!.probability / total,
    })),
    preference: (i, j) => preference(kept[i]!, kept[j]!),
  };
}

/** Whether a search from π_ref ends where the gradient jumps. */
async function isCornered(
  loss: Loss,
  population: Population,
  lossOptions: LossOptionValues,
): Promise<boolean> {
  const { answers } = population;
  await using expected = await expectedLoss(loss, {
    ...{ answers, comparisons: allComparisons(loss, population), lossOptions },
  });
  const { end, logProbs } = await settle(
    expected,
    answers,
    answers.map(() => 0),
  );
  return end === "stuck" && await hasCorner(expected, answers, logProbs);
}

/** Searches from a few policies, and from more where those disagree. */
async function searches(
  expected: ExpectedLoss,
  population: Population,
): Promise<Descent[]> {
  const odds = logOdds(population);
  const found: Descent[] = [];
  const searchFrom = async (points: readonly (readonly number[])[]) => {
    for (const start of points) {
      if (found.some(({ end }) => end === "unsettled")) return;
      found.push(await settle(expected, population.answers, start));
    }
  };
  await searchFrom(starts(odds));
  if (!agree(found) || found.some(({ isLimit }) => isLimit)) {
    await searchFrom(truncations(odds));
    await searchFrom(revivals(population, odds, least(found)));
  }
  return found;
}

/** All feedback that a population gives, in the form that a loss reads. */
export function allComparisons(
  { data }: Pick<Loss, "data">,
  population: Population,
): Comparison[] {
  const { answers, kept } = population;
  const pairs = allPairs(population);
  if (data === "pairs" || data === "ranks") return pairs;
  const wins = new Array<number>(answers.length).fill(0);
  const losses = [...wins];
  for (const { answers: [w, l], weight } of pairs) {
    wins[w!]! += weight;
    losses[l!]! += weight;
  }
  const singles = (weights: readonly number[], label: boolean, share = 1) =>
    weights.map((weight, i) => ({
      ...{ answers: [i], weight: share * weight, label },
    }));
  return data === "completions" ? singles(wins, true) : [
    ...singles(wins, true, kept?.desirable),
    ...singles(losses, false, kept?.undesirable),
  ];
}

/** Every ordered pair of answers that are compared, and how often it is. */
function allPairs({ answers, preference, compared }: Population) {
  const shares = compared ?? answers.map(({ probability }) => probability);
  const numbers = [...shares.keys()].filter((i) => !compared || compared[i]);
  return numbers.flatMap((i) =>
    numbers.map((j) => ({
      answers: [i, j],
      weight: shares[i]! * shares[j]! * preference(i, j),
    }))
  );
}

const none = (why: string): Optimum => ({ kind: "none", why });

/** log(w/(1 − w)) of each answer, w the probability that it is preferred. */
function logOdds({ answers, preference }: Population): number[] {
  return answers.map((_, i) => {
    const wins = answers.reduce(
      (sum, { probability }, j) => sum + probability * preference(i, j),
      0,
    );
    return Math.log(wins / (1 - wins));
  });
}

/**
 * π_ref, and policies that prefer as the population does, one of them with
 * noise. They find the same minimum of a convex loss.
 */
function starts(odds: readonly number[]): number[][] {
  const rng = new Rng("optimum");
  return [
    odds.map(() => 0),
    odds.map((x) => clamp(x)),
    odds.map((x) => clamp(x) + rng.normal()),
  ];
}

const clamp = (x: number) => Math.max(-NEVER, Math.min(NEVER, x));

/** π_ref without the answers that lose most often: one, two, … of them. */
function truncations(odds: readonly number[]): number[][] {
  const sorted = [...new Set(odds)].toSorted((a, b) => a - b).slice(1);
  return sorted.map((least) => odds.map((x) => x < least ? -NEVER - 10 : 0));
}

/** A policy with one more answer: each of the best few that it never gives. */
function revivals(
  { answers }: Population,
  odds: readonly number[],
  found: Descent | undefined,
): number[][] {
  if (!found) return [];
  const ratios = found.logProbs.map((x, i) =>
    x - Math.log(answers[i]!.probability)
  );
  const never = [...ratios.keys()].filter((i) => ratios[i]! < -NEVER)
    .toSorted((i, j) => odds[j]! - odds[i]!);
  return never.slice(0, 3).map((i) => ratios.with(i, 0));
}

/** Whether all searches have come to the same loss. */
function agree(found: readonly Descent[]): boolean {
  const [first] = found;
  return found.every(({ end, loss }) =>
    end === first!.end &&
    Math.abs(loss - first!.loss) < 1e-8 * Math.max(1, Math.abs(loss))
  );
}

/** The least of the minima; `undefined` where no search found one. */
function least(found: readonly Descent[]): Descent | undefined {
  return found.filter(({ end }) => end === "stationary")
    .toSorted((a, b) => a.loss - b.loss)[0];
}

/** The least minimum, unless another policy has it, too. */
function verdict(found: readonly Descent[]): Optimum {
  const has = (wanted: Descent["end"]) =>
    found.some(({ end }) => end === wanted);
  if (has("endless")) return none("the loss falls without end");
  if (has("unsettled")) return none("statistics of the batch do not settle");
  const first = least(found);
  if (!first) return none("the search found no minimum");
  const { loss, logProbs, isLimit } = first;
  const isOther = (other: Descent) =>
    other.end === "stationary" &&
    other.loss - loss < 1e-9 * Math.max(1, Math.abs(loss)) &&
    distance(other.logProbs, logProbs) > 1e-3;
  if (found.some(isOther)) {
    return none("several policies have the least loss");
  }
  return { kind: isLimit ? "limit" : "attained", loss, logProbs };
}

/** Half of Σ |π − π'|. */
function distance(a: readonly number[], b: readonly number[]): number {
  return a.reduce(
    (sum, x, i) => sum + Math.abs(Math.exp(x) - Math.exp(b[i]!)) / 2,
    0,
  );
}
