import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  distinctN,
  measure,
  type Sample,
} from "experiments/reviews/evaluation.ts";
import { encode, goldReward, PROMPTS } from "experiments/reviews/world.ts";

const sample = (text: string, tokenKl: number[]): Sample => ({
  prompt: PROMPTS[0]!,
  completion: encode(text),
  tokenKl: Float32Array.from(tokenKl),
});

Deno.test("measure() averages over samples", () => {
  const whole = sample("it is good . </s>", [0.5, 0, 1.25, 0, 0.25]);
  const endless = sample("it is good", [0.5, 0, 1.5]);
  deepStrictEqual(measure([whole, endless]), {
    goldReward: goldReward(encode("good")),
    goldRewardError: 0,
    kl: 2,
    klError: 0,
    length: 4,
    distinct2: 4 / 6,
    broken: 0.5,
  });
});

Deno.test("distinctN() counts n-grams within completions", () => {
  const completions = [[1, 2, 3], [1, 2, 4], [3, 1]];
  strictEqual(distinctN(completions, 1), 4 / 8);
  strictEqual(distinctN(completions, 2), 4 / 5);
  strictEqual(distinctN(completions, 3), 1);
});

Deno.test("distinctN() tells tokens apart from their digits", () => {
  strictEqual(distinctN([[1, 23], [12, 3]], 2), 1);
});

Deno.test("distinctN() is 0 where no completion is long enough", () => {
  strictEqual(distinctN([[1], []], 2), 0);
});
