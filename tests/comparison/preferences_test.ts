import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { splitByPrompt, spread } from "experiments/comparison/preferences.ts";
import { evenly } from "experiments/comparison/jobs.ts";
import { requireTrialPrompts } from "experiments/comparison/rates.ts";
import { Rng } from "lib/rng.ts";

/** Pairs of so many prompts, some prompts several times. */
function examples(prompts: number) {
  const rng = new Rng("examples");
  return Array.from({ length: 3 * prompts }, (_, i) => ({
    prompt: [rng.integer(prompts), 7],
    completions: [[i], [i + 1]],
  }));
}

Deno.test("a split keeps every pair, and no prompt on both sides", () => {
  for (const prompts of [3, 10, 40]) {
    for (const share of [0.05, 0.3, 0.8]) {
      const all = examples(prompts);
      const { kept, held } = splitByPrompt(all, { share });
      const sorted = (some: typeof all) =>
        some.map(({ completions }) => completions[0]![0]!)
          .toSorted((a, b) => a - b);
      deepEqual(sorted([...kept, ...held] as typeof all), sorted(all));
      const seen = new Set(kept.map(({ prompt }) => prompt.join()));
      ok(held.every(({ prompt }) => !seen.has(prompt.join())));
      const count = new Set(held.map(({ prompt }) => prompt.join())).size;
      const total = new Set(all.map(({ prompt }) => prompt.join())).size;
      equal(count, Math.max(1, Math.round(share * total)));
    }
  }
});

Deno.test("a split does not depend on the order of rows, nor on their answers", () => {
  const all = examples(20);
  const heldOf = (some: typeof all) =>
    new Set(
      splitByPrompt(some, { share: 0.3 }).held.map(({ prompt }) =>
        prompt.join()
      ),
    );
  const others = all.map((example) => ({
    ...example,
    completions: [[1], [2]],
  }));
  deepEqual(heldOf(all), heldOf(all.toReversed()));
  deepEqual(heldOf(all), heldOf(others));
});

Deno.test("a split that leaves nothing to train on is refused", () => {
  const one = [{ prompt: [1], completions: [[2], [3]] }];
  throws(() => splitByPrompt(one, { share: 0.5 }), {
    message: /^Cannot hold out 1 of 1 prompts: expected others to train on$/,
  });
});

Deno.test("the pairs to compare on are of as many prompts as there are", () => {
  for (const most of [1, 7, 20, 45, 100]) {
    const all = examples(20);
    const found = spread(all, most);
    const count = (some: readonly { prompt: readonly number[] }[]) =>
      new Set(some.map(({ prompt }) => prompt.join())).size;
    equal(found.length, Math.min(most, all.length));
    equal(new Set(found).size, found.length);
    equal(count(found), Math.min(most, count(all)));
  }
});

Deno.test("evaluations are at equal distances, the last at the end", () => {
  deepEqual(evenly(4, 8), [2, 4, 6, 8]);
  deepEqual(evenly(4, 2), [1, 2]);
  deepEqual(evenly(1, 7), [7]);
  for (let steps = 1; steps < 30; steps++) {
    for (let times = 1; times < 10; times++) {
      const found = evenly(times, steps);
      equal(found.at(-1), steps);
      equal(found.length, Math.min(times, steps));
    }
  }
});

Deno.test("rates are chosen by prompts that can be held out of those to train on", () => {
  const pair = (prompt: number) => ({
    ...{ prompt: [prompt], completions: [[1], [2]] },
  });
  const counts = { rows: 1, truncated: 0, dropped: 0, boundaryShifted: 0 };
  const description = { role: "train", source: "d", sha256: "", counts };
  const require = (prompts: readonly number[], share: number) =>
    requireTrialPrompts(
      { train: { kind: "pairs", examples: prompts.map(pair), description } },
      { heldOut: { share, pairs: 500, isDev: false } },
    );
  require([1, 2], 0.1);
  const message =
    "Cannot choose rates by prompts that are held out of those to train on: Cannot hold out";
  throws(() => require([1, 1, 1], 0.1), {
    message: `${message} 1 of 1 prompts: expected others to train on`,
  });
  throws(() => require([1, 2, 3, 4], 0.9), {
    message: `${message} 4 of 4 prompts: expected others to train on`,
  });
});

Deno.test("a seed draws as many other prompts, whole, and again the same", () => {
  const examples = Array.from({ length: 40 }, (_, i) => ({
    ...{ prompt: [i >> 1], completions: [[1 + i], [2 + i]] },
  }));
  const held = (seed?: number) =>
    splitByPrompt(examples, {
      share: 0.3,
      ...seed !== undefined && { seed },
    }).held.map(({ prompt }) => prompt[0]!);
  const draws = [held(), held(1), held(2)];
  for (const draw of draws) {
    equal(draw.length, 12);
    equal(new Set(draw).size, 6);
  }
  deepEqual(held(1), draws[1]);
  equal(new Set(draws.map((draw) => draw.join())).size, 3);
});
