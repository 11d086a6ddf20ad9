import type { Level } from "lib/experiment/grid.ts";
import { Rng } from "lib/rng.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import { mean } from "lib/train/metrics.ts";
import type { Weights } from "../reviews/reference_model.ts";
import type { DisplacementSettings } from "./settings.ts";

type Table = readonly (readonly number[])[];

/** Prompts and answers of one token each, and how they go together. */
export interface World {
  /** Features of each answer, of which the first is its stance. */
  readonly meanings: Table;
  /** log p of each answer to each prompt, in nats. */
  readonly truth: Table;
}

/** Two answers to a prompt, by number. */
export interface Pair {
  readonly prompt: number;
  readonly chosen: number;
  readonly rejected: number;
}

/** Draws answers' meanings and what each prompt asks for. */
export function drawWorld(
  draw: number,
  { answers, prompts, features, sharpness }: DisplacementSettings["world"],
): World {
  const rng = new Rng(draw).split("displacement/world");
  const normals = (count: number) =>
    Array.from({ length: count }, () => rng.normal());
  const meanings = Array.from({ length: answers }, (_, answer) => {
    const side = answer < answers / 2 ? 1 : -1;
    return [side * (0.5 + rng.uniform()), ...normals(features - 1)];
  });
  const truth = Array.from({ length: prompts }, () => {
    const asked = normals(features).map((x) => sharpness * x);
    return logSoftmax(meanings.map((meaning) => dot(meaning, asked)));
  });
  return { meanings, truth };
}

/** Draws an answer, by number. */
export function sampleAnswer(logProbs: readonly number[], rng: Rng): number {
  let left = rng.uniform();
  const found = logProbs.findIndex((x) => (left -= Math.exp(x)) < 0);
  return found < 0 ? logProbs.length - 1 : found;
}

/**
 * The cosine of two answers' rows of the head, less the mean row: that mean
 * moves no probability.
 */
export function likenessOf(
  weights: Weights,
  answers: number,
): (first: number, second: number) => number {
  const head = weights.get("lm_head.weight")!;
  const width = weights.get("model.norm.weight")!.length;
  const rows = Array.from(
    { length: answers },
    (_, i) => Array.from(head.subarray(i * width, (i + 1) * width)),
  );
  const middle = rows[0]!.map((_, k) => mean(rows.map((row) => row[k]!)));
  const centred = rows.map((row) => row.map((x, k) => x - middle[k]!));
  return (first, second) => {
    const [a, b] = [centred[first]!, centred[second]!];
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
}

/** Pairs to train on, and those whose answers are measured. */
export interface Pairs {
  readonly trained: readonly Pair[];
  readonly measured: readonly Pair[];
}

interface PairsTask {
  readonly level: Level;
  /** log π_ref of each answer to each prompt. */
  readonly reference: Table;
  likeness(first: number, second: number): number;
  /** The same for all levels of a draw and a seed. */
  readonly rng: Rng;
}

/** A pair for each prompt of a level; π_ref gives the chosen answers. */
export function drawPairs(
  { level, reference, likeness, rng }: PairsTask,
): Pairs {
  const { likeness: dose, prompts = reference.length } = level;
  const all = reference.slice(0, prompts).map((logProbs, prompt): Pair => {
    const chosen = sampleAnswer(logProbs, rng);
    if (dose === undefined) {
      const others = logProbs.map((x, i) => i === chosen ? -Infinity : x);
      const rejected = sampleAnswer(logSoftmax(others), rng);
      return { prompt, chosen, rejected };
    }
    const rivals = [...logProbs.keys()].filter((i) => i !== chosen)
      .sort((a, b) => likeness(chosen, a) - likeness(chosen, b));
    const rejected = rivals[Math.round(dose * (rivals.length - 1))]!;
    return { prompt, chosen, rejected };
  });
  if (level["filtered"] === undefined) return { trained: all, measured: all };
  const alike = ({ chosen, rejected }: Pair) => likeness(chosen, rejected);
  const order = level["filtered"] === 1
    ? all.toSorted((a, b) => alike(a) - alike(b))
    : rng.shuffle(all);
  return { trained: order.slice(0, all.length / 2), measured: all };
}

/** Measures of the answers to the prompts of some pairs, exact. */
export function measurePairs(
  logProbs: Table,
  { reference, pairs, meanings }: {
    readonly reference: Table;
    readonly pairs: readonly Pair[];
    readonly meanings: Table;
  },
): Record<string, number | null> {
  const changes = pairs.map((pair) =>
    changeOf(pair, {
      now: logProbs[pair.prompt]!,
      before: reference[pair.prompt]!,
      meanings,
    })
  );
  const over = (of: (change: Change) => number, those = changes) =>
    those.length === 0 ? null : mean(those.map(of));
  const opposite = ({ opposite }: Change) => opposite;
  return {
    chosenGain: over(({ chosenGain }) => chosenGain),
    rejectedGain: over(({ rejectedGain }) => rejectedGain),
    fell: over(({ chosenGain }) => Number(chosenGain < 0)),
    chosen: over(({ chosen }) => chosen),
    rejected: over(({ rejected }) => rejected),
    same: over(({ same }) => same),
    opposite: over(opposite),
    oppositeOfStronger: over(
      opposite,
      changes.filter(({ push }) => push === "stronger"),
    ),
    oppositeOfWeaker: over(
      opposite,
      changes.filter(({ push }) => push === "weaker"),
    ),
    accuracy: over(({ chosen, rejected }) => Number(chosen > rejected)),
  };
}

type Change = ReturnType<typeof changeOf>;

/** How the answers to the prompt of a pair changed. */
function changeOf(
  { chosen, rejected }: Pair,
  { now, before, meanings }: {
    readonly now: readonly number[];
    readonly before: readonly number[];
    readonly meanings: Table;
  },
) {
  const stance = (answer: number) => meanings[answer]![0]!;
  const [side, strength] = [
    Math.sign(stance(chosen)),
    Math.abs(stance(chosen)),
  ];
  /** Change of the probability of all other answers of a side. */
  const shift = (wanted: number) =>
    now.reduce((sum, x, i) => {
      const counts = i !== chosen && i !== rejected &&
        Math.sign(stance(i)) === wanted;
      return counts ? sum + Math.exp(x) - Math.exp(before[i]!) : sum;
    }, 0);
  const isSameSide = Math.sign(stance(rejected)) === side;
  const isStronger = Math.abs(stance(rejected)) > strength;
  return {
    chosenGain: now[chosen]! - before[chosen]!,
    rejectedGain: now[rejected]! - before[rejected]!,
    chosen: Math.exp(now[chosen]!),
    rejected: Math.exp(now[rejected]!),
    same: shift(side),
    opposite: shift(-side),
    /** The rejected answer beside the chosen one, where both take one side. */
    push: isSameSide ? isStronger ? "stronger" : "weaker" : "across",
  };
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, k) => sum + x * b[k]!, 0);
}
