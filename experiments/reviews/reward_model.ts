import type { Example } from "lib/data/example.ts";
import { minimise } from "lib/loss_tools/minimise.ts";
import type { Rng } from "lib/rng.ts";
import { mean } from "lib/train/metrics.ts";
import {
  expectation,
  klDivergence,
  logSoftmax,
} from "lib/stats/distribution.ts";
import { sampleWords } from "./grammar.ts";
import { encode, goldReward, PROMPTS, VOCABULARY } from "./world.ts";

/** π_ref tilted by a reward model: π ∝ π_ref exp(h/β). */
export interface TiltedPoint {
  readonly beta: number;
  /** Mean gold reward, not that of the model. */
  readonly reward: number;
  /** In nats. */
  readonly kl: number;
}

const BETAS = [3, 1.5, 1, 0.6, 0.4];
/** Reviews of each prompt with which the grammar is represented. */
const SAMPLES = 400;

/** Counts of words and of pairs of neighbouring words. */
type Features = ReadonlyMap<number, number>;

/**
 * How far the pairs themselves lead: the grammar's reviews are tilted by a
 * Bradley–Terry model of the counts of words and of neighbouring words that is
 * fitted to the pairs, with a normal prior. It reads every feature that the gold
 * reward has, so that it falls short by the size and the noise of the data only.
 */
export async function tiltByRewardModel(
  pairs: readonly Example[],
  rng: Pick<Rng, "uniform">,
): Promise<TiltedPoint[]> {
  const model = await fit(pairs);
  const prompts = PROMPTS.map(({ reviews }) => {
    const ids = Array.from(
      { length: SAMPLES },
      () => encode(sampleWords(reviews, rng).join(" ")),
    );
    return {
      gold: ids.map(goldReward),
      scores: ids.map((each) => dot(featuresOf(each), model)),
    };
  });
  const uniform = logSoftmax(new Array<number>(SAMPLES).fill(0));
  return BETAS.map((beta) => {
    const points = prompts.map(({ gold, scores }) => {
      const policy = logSoftmax(scores.map((score) => score / beta));
      return {
        reward: expectation(policy, gold),
        kl: klDivergence(policy, uniform),
      };
    });
    return {
      beta,
      reward: mean(points.map(({ reward }) => reward)),
      kl: mean(points.map(({ kl }) => kl)),
    };
  });
}

/** The weights of greatest posterior probability. */
async function fit(pairs: readonly Example[]): Promise<readonly number[]> {
  const differences = pairs.map(({ completions: [chosen, rejected] }) =>
    minus(featuresOf(chosen!), featuresOf(rejected!))
  );
  const size = VOCABULARY.length * (VOCABULARY.length + 1);
  const { point } = await minimise(
    (weights) => {
      const gradient = [...weights];
      let value = dot(asFeatures(weights), weights) / 2;
      for (const features of differences) {
        const margin = dot(features, weights);
        value += Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin);
        const wrong = 1 / (1 + Math.exp(margin));
        for (const [i, x] of features) gradient[i]! -= wrong * x;
      }
      return Promise.resolve({ value, gradient });
    },
    new Array<number>(size).fill(0),
    { tolerance: 1e-3, iterations: 60 },
  );
  return point;
}

function featuresOf(ids: readonly number[]): Features {
  const counts = new Map<number, number>();
  const size = VOCABULARY.length;
  for (const [i, id] of ids.entries()) {
    const before = ids[i - 1];
    counts.set(id, (counts.get(id) ?? 0) + 1);
    if (before === undefined) continue;
    const pair = size * (before + 1) + id;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
}

function minus(a: Features, b: Features): Features {
  const difference = new Map(a);
  for (const [i, x] of b) difference.set(i, (difference.get(i) ?? 0) - x);
  return difference;
}

function asFeatures(weights: readonly number[]): Features {
  return new Map(weights.entries().filter(([, x]) => x !== 0));
}

function dot(features: Features, weights: readonly number[]): number {
  let sum = 0;
  for (const [i, x] of features) sum += x * weights[i]!;
  return sum;
}
