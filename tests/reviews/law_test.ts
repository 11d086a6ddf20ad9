import { ok, strictEqual, throws } from "node:assert/strict";
import { attainableFrontier } from "experiments/reviews/attainable.ts";
import { anyOf, choice, sampleWords } from "experiments/reviews/grammar.ts";
import {
  accuracyCeiling,
  attainableAt,
  attainableWithin,
  bestOf,
  exactOptimum,
  reviewLaw,
  rewardLaw,
  rewardLaws,
} from "experiments/reviews/law.ts";
import {
  encode,
  EOS,
  goldReward,
  PROMPTS,
  rewardOf,
} from "experiments/reviews/world.ts";
import type { LossOptionValues } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { Rng } from "lib/rng.ts";
import { expectation } from "lib/stats/distribution.ts";
import { mean } from "lib/train/metrics.ts";
import { assertClose } from "../assert_close.ts";

const near = (found: number, expected: number, tolerance: number) =>
  ok(
    Math.abs(found - expected) <= tolerance,
    `${found}, expected ${expected} ± ${tolerance}`,
  );

Deno.test("reviewLaw() enumerates a small grammar, modifiers across parts too", () => {
  const reviews = [
    anyOf(["very", "not"]),
    choice([3, "good"], [1, "great indeed"]),
  ];
  const law = reviewLaw({ reviews });
  strictEqual(
    law.map(({ score, length }) => `${score} ${length}`).join(),
    "-1 4,-0.5 3,1.5 3,3 4",
  );
  assertClose(
    law.map(({ probability }) => probability),
    [1 / 8, 3 / 8, 3 / 8, 1 / 8],
  );
});

Deno.test("the law of reviews has the frequencies of samples", () => {
  const prompt = PROMPTS[0]!;
  const law = reviewLaw(prompt);
  const rng = new Rng(0);
  const samples = Array.from({ length: 4000 }, () => {
    const text = sampleWords(prompt.reviews, rng).join(" ");
    return encode(`${text} ${EOS}`);
  });
  const exact = (of: (score: number, length: number) => number) =>
    law.reduce(
      (sum, { score, length, probability }) =>
        sum + probability * of(score, length),
      0,
    );
  near(exact(() => 1), 1, 1e-12);
  const lengths = samples.map(({ length }) => length);
  near(mean(lengths), exact((_, length) => length), 0.3);
  near(mean(samples.map(goldReward)), exact((score) => rewardOf(score)), 0.12);
  const together = (reward: number, length: number) =>
    Number(reward > 1 && length < 10);
  near(
    mean(samples.map((each) => together(goldReward(each), each.length))),
    exact((score, length) => together(rewardOf(score), length)),
    0.03,
  );
});

Deno.test("the grammar's mean reward is 0 over all prompts, and its law symmetric", () => {
  near(
    mean(
      rewardLaws().map(({ rewards, logProbs }) =>
        expectation(logProbs, rewards)
      ),
    ),
    0,
    1e-12,
  );
  const used = rewardLaws()[1]!;
  assertClose(used.logProbs, used.logProbs.toReversed());
  strictEqual(used.rewards.length, 49);
});

Deno.test("importance sampling agrees with the exact frontier within 0.03 at equal distance", () => {
  const rng = new Rng(1);
  const rewards = PROMPTS.map(({ reviews }) => {
    const { rewards, logProbs } = rewardLaw({ reviews });
    return Array.from({ length: 4000 }, () => {
      let left = rng.uniform();
      const at = logProbs.findIndex((x) => (left -= Math.exp(x)) < 0);
      return rewards.at(at)!;
    });
  });
  const points = attainableFrontier(rewards, { betas: [5, 2, 1, 0.5, 0.3] });
  strictEqual(points.length, 5);
  for (const { kl, reward, beta } of points) {
    near(reward, attainableWithin(kl), 0.03);
    near(reward, attainableAt(beta).reward, 0.03);
  }
});

Deno.test("the frontier is that of an independent program, beyond 5 nats", () => {
  // Dynamic programming over (score, length) written in Python from the
  // grammar's rules alone.
  near(attainableAt(1).reward, 2.3991, 1e-4);
  near(attainableAt(1).kl, 1.0074, 1e-4);
  near(attainableWithin(0.125), 0.901, 2e-3);
  near(attainableWithin(0.363), 1.512, 2e-3);
  near(attainableWithin(1.151), 2.535, 2e-3);
  near(attainableWithin(5), 3.81, 0.01);
});

Deno.test("attainableWithin() refuses a distance at which no policy is", () => {
  throws(() => attainableWithin(-1), /go -1 nats.*expected a number from 0/);
  throws(() => attainableWithin(1e4), /go 10000 nats/);
});

Deno.test("best of n has the closed reward and distance, under the frontier", () => {
  near(bestOf(1).kl, 0, 1e-12);
  for (const [n, reward, kl] of [[4, 1.87, 0.63], [16, 2.98, 1.82]] as const) {
    const point = bestOf(n);
    near(point.reward, reward, 5e-3);
    near(point.kl, kl, 5e-3);
    ok(point.reward < attainableWithin(point.kl));
    ok(point.kl <= Math.log(n) - (n - 1) / n);
  }
});

Deno.test("no ranking has more than 0.815 of the pairs right, and half of them by chance", () => {
  near(accuracyCeiling(), 0.815, 5e-4);
  near(accuracyCeiling({ flip: 0.4 }), 0.4 + 0.2 * accuracyCeiling(), 1e-9);
});

/** Reward and distance by the independent program, to the digits it printed. */
const OPTIMA: [string, LossOptionValues, number, number, flip?: number][] = [
  ["dpo", { beta: 1 }, 2.40, 1.01],
  ["ipo", { beta: 0.25 }, 1.503, 0.363],
  ["ipo", { beta: 0.1 }, 2.514, 1.151],
  ["sft", {}, 0.865, 0.125],
  ["dpo", { beta: 0.3, labelSmoothing: 0.2 }, 2.504, 1.131],
  ["kto", { beta: 10 }, 1.62, 0.71],
  ["kto", { beta: 3 }, 1.76, 0.74],
  ["kto", { beta: 1 }, 2.01, 0.85],
  ["dpo", { beta: 1 }, 1.64, 0.436, 0.1],
  ["dpo", { beta: 1 }, 1.13, 0.200, 0.2],
  ["dpo", { beta: 1 }, 0.72, 0.079, 0.3],
  ["dpo", { beta: 1 }, 0.35, 0.019, 0.4],
  ["kto", { beta: 1 }, 2.01, 0.85, 0.4],
];

for (const [id, options, reward, kl, flip = 0] of OPTIMA) {
  const what = `${id} ${JSON.stringify(options)}`;
  Deno.test(`${what} wants ${reward} at ${kl} nats with ${flip} flipped`, async () => {
    const found = await exactOptimum(findLoss(id), options, { flip });
    ok(found.kind !== "none");
    const digits = String(reward).length > 4 ? 6e-4 : 6e-3;
    near(found.reward, reward, digits);
    near(found.kl, kl, digits);
    ok(found.reward <= attainableWithin(found.kl) + 1e-9);
  });
}

Deno.test("losses of log π itself have no optimum over classes of reviews", async () => {
  for (const id of ["orpo", "simpo", "kto-pairwise", "ln-dpo"]) {
    const found = await exactOptimum(findLoss(id));
    ok(found.kind === "none" && /not computed/.test(found.why), id);
  }
});

Deno.test("a bare ratio of probabilities falls without end", async () => {
  const found = await exactOptimum(findLoss("orpo-ratio"));
  ok(found.kind === "none" && /without end/.test(found.why));
});
