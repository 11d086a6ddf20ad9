import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { mean } from "lib/train/metrics.ts";
import { Rng } from "lib/rng.ts";
import { attainableFrontier } from "experiments/reviews/attainable.ts";

/** Counts of completions in 20 samples of π_ref, and their rewards. */
interface FinitePrompt {
  readonly counts: readonly number[];
  readonly rewards: readonly number[];
}

const WORLD: readonly FinitePrompt[] = [
  { counts: [8, 6, 3, 2, 1], rewards: [-1, 0, 1, 2.5, 3.5] },
  { counts: [1, 4, 10, 4, 1], rewards: [-4, -2, 0, 3, 2] },
];
const BETAS = [8, 4, 2, 1, 0.5, 0.25];

/** Samples of π_ref in exact proportion. */
const EXACT = WORLD.map(({ counts, rewards }) =>
  rewards.flatMap((reward, i) => Array<number>(counts[i]!).fill(reward))
);

const reference = ({ counts }: FinitePrompt) => counts.map((n) => n / 20);

/** Reward and KL of one policy per prompt, by enumeration. */
function evaluate(policies: readonly (readonly number[])[]) {
  const total = (
    of: (probability: number, prompt: number, i: number) => number,
  ) =>
    mean(
      policies.map((policy, prompt) =>
        policy.reduce((sum, p, i) => p > 0 ? sum + of(p, prompt, i) : sum, 0)
      ),
    );
  return {
    reward: total((p, prompt, i) => p * WORLD[prompt]!.rewards[i]!),
    kl: total((p, prompt, i) =>
      p * Math.log(p / reference(WORLD[prompt]!)[i]!)
    ),
  };
}

/** π_ref exp(r/β), normalised, with a β for each prompt. */
function optima(betas: readonly number[]): number[][] {
  return WORLD.map((prompt, at) =>
    normalised(
      reference(prompt).map((p, i) =>
        p * Math.exp(prompt.rewards[i]! / betas[at]!)
      ),
    )
  );
}

function normalised(weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

const frontier = (rewards: readonly (readonly number[])[], betas = BETAS) =>
  attainableFrontier(rewards, { betas, minimumEffectiveSamples: 0 });

/** Greatest reward at a KL, found by bisection over log β. */
function bestReward(kl: number): number {
  let [low, high] = [Math.log(0.05), Math.log(1e4)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    const [point] = frontier(EXACT, [Math.exp(middle)]);
    if (point!.kl > kl) low = middle;
    else high = middle;
  }
  return frontier(EXACT, [Math.exp(high)])[0]!.reward;
}

/** Samples of π_ref for each prompt. */
function draw(n: number, rng: Rng): number[][] {
  return EXACT.map((twenty) =>
    Array.from({ length: n }, () => twenty[rng.integer(20)]!)
  );
}

Deno.test("attainableFrontier() is π_ref exp(r/β) enumerated, on samples in exact proportion", () => {
  for (const point of frontier(EXACT)) {
    const exact = evaluate(optima([point.beta, point.beta]));
    ok(Math.abs(point.reward - exact.reward) < 1e-12);
    ok(Math.abs(point.kl - exact.kl) < 1e-12);
  }
});

Deno.test("attainableFrontier() converges to it as samples are added", () => {
  const rng = new Rng(0);
  const error = (n: number, beta: number) => {
    const exact = evaluate(optima([beta, beta]));
    const squares = Array.from({ length: 20 }, () => {
      const [point] = frontier(draw(n, rng), [beta]);
      return (point!.reward - exact.reward) ** 2 + (point!.kl - exact.kl) ** 2;
    });
    return Math.sqrt(mean(squares));
  };
  for (const beta of [2, 0.5]) {
    const [few, many] = [error(100, beta), error(10_000, beta)];
    ok(many < few / 5, `errors ${few} and ${many}, expected a tenth`);
    ok(many < 0.03, `error ${many}`);
  }
});

Deno.test("attainableFrontier() starts at π_ref and rises as β falls", () => {
  const points = frontier(draw(500, new Rng(1)), [1e6, ...BETAS]);
  ok(points[0]!.kl < 1e-9);
  for (const [i, point] of points.slice(1).entries()) {
    ok(point.reward > points[i]!.reward && point.kl > points[i]!.kl);
    ok(point.effectiveSamples < points[i]!.effectiveSamples);
  }
});

Deno.test("no policy of the same KL has a larger reward", () => {
  const rng = new Rng(2);
  for (let i = 0; i < 100; i++) {
    const policies = WORLD.map((prompt) => {
      const other = normalised(
        prompt.rewards.map(() => -Math.log(1 - rng.uniform())),
      );
      const share = rng.uniform();
      return reference(prompt).map((p, j) =>
        (1 - share) * p + share * other[j]!
      );
    });
    const { reward, kl } = evaluate(policies);
    ok(reward <= bestReward(kl) + 1e-9, `${reward} at KL ${kl}`);
  }
});

Deno.test("no other division of the KL among prompts has a larger reward", () => {
  for (const betas of [[0.5, 2], [2, 0.5], [1, 1.3]]) {
    const { reward, kl } = evaluate(optima(betas));
    ok(reward < bestReward(kl), `${reward} at KL ${kl}`);
  }
  const shared = evaluate(optima([1, 1]));
  ok(Math.abs(shared.reward - bestReward(shared.kl)) < 1e-9);
});

Deno.test("attainableFrontier() ends where a prompt has too few effective samples", () => {
  const all = frontier(EXACT, [...BETAS].reverse());
  deepStrictEqual(all.map(({ beta }) => beta), BETAS);
  const minimumEffectiveSamples = 3;
  const points = attainableFrontier(EXACT, {
    betas: BETAS,
    minimumEffectiveSamples,
  });
  ok(points.length > 0 && points.length < all.length);
  deepStrictEqual(points, all.slice(0, points.length));
  ok(points.at(-1)!.effectiveSamples >= minimumEffectiveSamples);
  ok(all[points.length]!.effectiveSamples < minimumEffectiveSamples);
});

Deno.test("effective samples are all samples at first, the best one at last", () => {
  const rewards = [[0, 1, 2, 3], [0, 1, 2, 4]];
  const [first, last] = frontier(rewards, [1e9, 1e-4]);
  ok(Math.abs(first!.effectiveSamples - 4) < 1e-6);
  deepStrictEqual(last, {
    beta: 1e-4,
    reward: 3.5,
    kl: Math.log(4),
    effectiveSamples: 1,
  });
});

Deno.test("attainableFrontier() of equal rewards stays at π_ref", () => {
  const [point] = frontier([[2, 2, 2]], [0.1]);
  strictEqual(point!.reward, 2);
  strictEqual(Math.abs(point!.kl), 0);
  strictEqual(point!.effectiveSamples, 3);
});

Deno.test("attainableFrontier() says what is wrong with its input", () => {
  const message = (rewards: number[][], betas = [1]) => () =>
    attainableFrontier(rewards, { betas });
  throws(message([]), /of no prompts: expected at least one/);
  throws(message([[1], []]), /prompt 1 has no samples, expected finite/);
  throws(message([[1, NaN]]), /prompt 0 has a reward of NaN, expected finite/);
  throws(message([[1]], [0]), /at beta 0: expected a number above 0/);
});
