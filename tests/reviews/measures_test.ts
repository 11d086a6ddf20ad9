import { deepStrictEqual } from "node:assert/strict";
import { measure, type Sample } from "experiments/reviews/evaluation.ts";
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
