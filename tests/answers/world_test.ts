import { deepEqual, equal, ok } from "node:assert/strict";
import { initialTensors } from "experiments/answers/decoder.ts";
import {
  ALL_ANSWERS,
  policyOf,
  scoreAll,
  trainReference,
} from "experiments/answers/model.ts";
import { QUICK } from "experiments/micro/settings.ts";
import {
  ANSWERS,
  attainableReward,
  bestPolicy,
  gainsOf,
  grammarPolicy,
  measure,
  numberOf,
  PLACES,
  placesOf,
  populationOf,
  PROMPT,
  samplePairs,
} from "experiments/answers/world.ts";
import { allComparisons, optimum } from "lib/loss_tools/optimum.ts";
import { expectedLoss } from "lib/loss_tools/expected_loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import { createGenerator } from "lib/models/generate/generate.ts";
import { Rng } from "lib/rng.ts";
import { logSoftmax, logSumExp } from "lib/stats/distribution.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { assertClose } from "../assert_close.ts";

const rng = new Rng("micro");
/** A reference that likes well-formed answers. */
const REFERENCE = logSoftmax(
  ANSWERS.map(({ isWellFormed }) => (isWellFormed ? 6 : 0) + rng.normal()),
);

Deno.test("there are 259 strings, 32 of them answers, and the least rewards are of the others", () => {
  equal(new Set(ANSWERS.map(({ ids }) => ids.join())).size, 259);
  const [right, wrong] = [true, false].map((wanted) =>
    ANSWERS.filter(({ isWellFormed }) => isWellFormed === wanted)
  );
  equal(right!.length, 32);
  ok(wrong!.every(({ reward }) => reward === -4));
  const rewards = right!.map(({ reward }) => reward);
  deepEqual([Math.min(...rewards), Math.max(...rewards)], [-4.5, 4.5]);
});

Deno.test("the grammar gives its 32 answers, each as often as its choices say", () => {
  const { logProbs, rewards, population } = grammarPolicy();
  equal(logProbs.length, 32);
  assertClose([logProbs.reduce((sum, x) => sum + Math.exp(x), 0)], [1]);
  // "great" is one of four adjectives, and "very very great" of four again.
  const ofGreat = [2, 4.5].map((reward) =>
    population.answers
      .filter(({ length }, i) =>
        rewards[i] === reward && length === (reward === 2 ? 2 : 3)
      )
      .map(({ probability }) => probability)
  );
  assertClose(ofGreat.flat(), [4 / 12 / 4, 1 / 12 / 4]);
});

Deno.test("each answer is in one place, by whether it won or lost", () => {
  const [good, bad, awful] = [[1, 0], [3, 0], [4, 0]] as const;
  const pairs = [[good, bad], [bad, awful]]
    .map((completions) => ({ prompt: PROMPT, completions }));
  const places = placesOf(pairs);
  const placed = [good, bad, awful].map((ids) =>
    places[ANSWERS.findIndex((each) => each.ids.join() === ids.join())]
  );
  deepEqual(placed, ["chosen", "rejected", "rejected"]);
  equal(places.filter((place) => place === "unseen").length, 29);
  equal(places.filter((place) => place === "illFormed").length, 259 - 32);
});

Deno.test("gains are the mean log-ratios of both sides of pairs", () => {
  const [good, bad, awful] = [[1, 0], [3, 0], [4, 0]] as const;
  const pairs = [[good, bad], [good, awful]]
    .map((completions) => ({ prompt: PROMPT, completions }));
  const raised = [[good, 0.5], [bad, -1], [awful, -2]] as const;
  const logProbs = [...REFERENCE];
  for (const [ids, gain] of raised) logProbs[numberOf(ids)]! += gain;
  const gains = gainsOf(logProbs, { reference: REFERENCE, pairs });
  assertClose([gains.chosenGain, gains.rejectedGain], [0.5, -1.5], {
    tolerance: 1e-12,
  });
});

Deno.test("pairs come as often as π_ref gives answers, the better one chosen more often", () => {
  const pairs = samplePairs(REFERENCE, { count: 4000, rng: new Rng(1) });
  const all = pairs.flatMap(({ completions }) => completions);
  const rewardOf = new Map(ANSWERS.map(({ ids, reward }) => [ids, reward]));
  const total = all.reduce((sum, ids) => sum + rewardOf.get(ids)!, 0);
  const { reward } = measure(REFERENCE, {
    ...{ reference: REFERENCE, places: placesOf([]) },
  });
  ok(Math.abs(total / all.length - reward) < 0.1);
  const margins = pairs.map(({ completions: [w, l] }) =>
    rewardOf.get(w!)! - rewardOf.get(l!)!
  );
  const better = margins.filter((margin) => margin > 0).length;
  const worse = margins.filter((margin) => margin < 0).length;
  ok(better > 3 * worse);
});

Deno.test("labels follow the rewards that they are given", () => {
  const rewards = ANSWERS.map(({ reward }) => -reward);
  const count = 400;
  const pairs = samplePairs(REFERENCE, { count, rng: new Rng(1), rewards });
  const gold = samplePairs(REFERENCE, { count, rng: new Rng(1) });
  const turned = pairs.filter(({ completions: [chosen] }, i) =>
    chosen === gold[i]!.completions[1]
  );
  ok(turned.length > count / 2);
  const [ours, theirs] = [
    populationOf(REFERENCE, rewards),
    populationOf(REFERENCE),
  ];
  equal(ours.preference(7, 11), theirs.preference(11, 7));
});

Deno.test("a decoder's probabilities sum to 1, and its samples have its measures", async () => {
  const { referenceModel } = QUICK;
  const start = await trainReference({
    referenceModel: { ...referenceModel, steps: 40, batch: 16 },
  }, { draw: 5, device: "cpu" });
  const { policy } = policyOf(start);
  const parameters = initialTensors(policy);
  const forward = new ForwardPass({ policy });
  const [raw] = await forward.logProbs([ALL_ANSWERS], { parameters });
  ok(Math.abs(logSumExp(raw!)) < 1e-5);
  const logProbs = await scoreAll(forward, parameters);
  await forward.release();

  const generator = await createGenerator(policy, { device: "cpu" });
  const [samples] = await generator.generate([PROMPT], {
    ...{ parameters, samples: 3000, maxNewTokens: 3 },
    stream: (label) => new Rng(label),
  });
  await generator.release();
  const numbers = samples!.map(({ ids }) =>
    ANSWERS.findIndex((answer) => answer.ids.join() === ids.join())
  );
  ok(numbers.every((i) => i >= 0));
  const places = placesOf(samplePairs(logProbs, { count: 6, rng }));
  const exact = measure(logProbs, { reference: logProbs, places });
  const mean = (of: (i: number) => number) =>
    numbers.reduce((sum, i) => sum + of(i), 0) / numbers.length;
  ok(Math.abs(mean((i) => ANSWERS[i]!.reward) - exact.reward) < 0.2);
  ok(Math.abs(-mean((i) => logProbs[i]!) - exact.entropy) < 0.1);
  for (const place of PLACES) {
    const share = mean((i) => Number(places[i] === place));
    ok(Math.abs(share - exact[place]) < 0.04, place);
  }
});

Deno.test("DPO's optimum over all strings is π_ref exp(r/β), the best policy at its distance", async () => {
  const dpo = findLoss("dpo");
  const found = await optimum(dpo, populationOf(REFERENCE), { beta: 1 });
  ok(found.kind === "attained");
  const best = bestPolicy(REFERENCE, 1);
  assertClose(found.logProbs.map(Math.exp), best.map(Math.exp), {
    tolerance: 1e-6,
  });
  const { reward, kl } = measure(found.logProbs, {
    ...{ reference: REFERENCE, places: placesOf([]) },
  });
  assertClose([attainableReward(REFERENCE, kl)], [reward]);
});

for (const id of ["orpo", "sft"]) {
  Deno.test(`nothing moves ${id} at its optimum over all strings`, async () => {
    const loss = findLoss(id);
    const population = populationOf(REFERENCE);
    const found = await optimum(loss, population);
    ok(found.kind === "attained");
    await using expected = await expectedLoss(loss, {
      answers: population.answers,
      comparisons: allComparisons(loss, population),
    });
    const slope = async (logProbs: readonly number[]) => {
      const { gradient } = await expected.at(logProbs);
      const total = gradient.reduce((a, b) => a + b, 0);
      return Math.max(
        ...gradient.map((g, i) => Math.abs(g - Math.exp(logProbs[i]!) * total)),
      );
    };
    ok(await slope(REFERENCE) > 1e-3);
    ok(await slope(found.logProbs) < 1e-7);
  });
}
