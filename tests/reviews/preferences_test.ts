import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { Rng } from "lib/rng.ts";
import {
  encode,
  goldReward,
  type LabelNoise,
  labelPair,
  type Pair,
  preferenceProbability,
  PROMPTS,
} from "experiments/reviews/world.ts";

const GOOD = encode("it is great . </s>");
const FINE = encode("it is fine . </s>");
const PAIR: Pair = { prompt: PROMPTS[0]!, completions: [GOOD, FINE] };

/** Share of 4000 labels that prefer the better completion. */
function agreement(pair: Pair, noise?: LabelNoise): number {
  const rng = new Rng(0);
  const labels = Array.from(
    { length: 4000 },
    () => labelPair(pair, rng, noise),
  );
  return labels.filter(({ completions: [chosen] }) => chosen === GOOD).length /
    labels.length;
}

Deno.test("preferenceProbability() is the sigmoid of the margin", () => {
  strictEqual(preferenceProbability(0), 0.5);
  ok(Math.abs(preferenceProbability(Math.log(3)) - 0.75) < 1e-12);
  ok(Math.abs(preferenceProbability(-Math.log(3)) - 0.25) < 1e-12);
  ok(
    Math.abs(
      preferenceProbability(2 * Math.log(3), { temperature: 2 }) - 0.75,
    ) < 1e-12,
  );
});

Deno.test("preferenceProbability() mixes in flipped labels", () => {
  const noise = { flip: 0.1 };
  ok(Math.abs(preferenceProbability(Math.log(3), noise) - 0.7) < 1e-12);
  ok(Math.abs(preferenceProbability(1e4, noise) - 0.9) < 1e-12);
  ok(Math.abs(preferenceProbability(-1e4, noise) - 0.1) < 1e-12);
});

Deno.test("labelPair() agrees with the reward as often as Bradley and Terry say", () => {
  const margin = goldReward(GOOD) - goldReward(FINE);
  const swapped = { ...PAIR, completions: [FINE, GOOD] } as const;
  for (const noise of [{}, { temperature: 3 }, { flip: 0.2 }]) {
    const expected = preferenceProbability(margin, noise);
    // Four standard deviations of such a share are about 0.03.
    for (const pair of [PAIR, swapped]) {
      ok(Math.abs(agreement(pair, noise) - expected) < 0.03);
    }
  }
});

Deno.test("labelPair() always prefers the greater reward at a small temperature", () => {
  strictEqual(agreement(PAIR, { temperature: 1e-3 }), 1);
});

Deno.test("labelPair() tosses a coin for equal rewards", () => {
  const pair = {
    ...PAIR,
    completions: [GOOD, encode("it looks nice and it is good . </s>")],
  } as const;
  strictEqual(goldReward(pair.completions[1]), goldReward(GOOD));
  ok(Math.abs(agreement(pair, { temperature: 1e-3 }) - 0.5) < 0.03);
});

Deno.test("labelPair() keeps the prompt and repeats with its seed", () => {
  const label = () => {
    const rng = new Rng("labels");
    return Array.from({ length: 20 }, () => labelPair(PAIR, rng));
  };
  deepStrictEqual(label(), label());
  for (const { prompt, completions } of label()) {
    deepStrictEqual(prompt, PROMPTS[0]!.ids);
    deepStrictEqual(new Set(completions), new Set([GOOD, FINE]));
  }
});

Deno.test("preferenceProbability() refuses noise that has no meaning", () => {
  for (const temperature of [0, -1, NaN]) {
    throws(() => preferenceProbability(1, { temperature }), {
      name: "RangeError",
      message:
        `Cannot compare at temperature ${temperature}: expected a number above 0`,
    });
  }
  for (const flip of [-0.1, 0.5, NaN]) {
    throws(() => preferenceProbability(1, { flip }), {
      name: "RangeError",
      message:
        `Cannot flip a share ${flip} of the labels: expected a number in [0, 0.5)`,
    });
  }
});
