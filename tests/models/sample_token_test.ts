import { deepEqual, equal, throws } from "node:assert/strict";
import { sampler, type Sampling } from "lib/models/sample_token.ts";

/** How often each of `n` tokens is drawn at evenly spread numbers. */
function shares(logits: readonly number[], sampling: Sampling): number[] {
  const draws = 1000;
  const counts = logits.map(() => 0);
  const sample = sampler(sampling);
  for (let i = 0; i < draws; i++) {
    counts[sample(logits, () => (i + 0.5) / draws)]!++;
  }
  return counts.map((count) => count / draws);
}

const logsOf = (probabilities: readonly number[]) =>
  probabilities.map(Math.log);

Deno.test("tokens are drawn by their probabilities", () => {
  deepEqual(shares(logsOf([0.1, 0.6, 0.3]), {}), [0.1, 0.6, 0.3]);
});

Deno.test("the temperature divides the logits", () => {
  const logits = logsOf([0.1, 0.2]);
  deepEqual(shares(logits, { temperature: 0.5 }), [0.2, 0.8]);
});

Deno.test("a token without probability is never drawn", () => {
  const sample = sampler();
  equal(sample([-Infinity, 0, -Infinity], () => 0), 1);
  equal(sample([-Infinity, 0, -Infinity], () => 1 - 2 ** -53), 1);
});

Deno.test("logits of any size and tiny temperatures stay finite", () => {
  deepEqual(shares([1e30, 1e30, -1e30], {}), [0.5, 0.5, 0]);
  deepEqual(shares([-8e8, 0, -1], { temperature: 1e-300 }), [0, 1, 0]);
});

Deno.test("temperature 0 takes the first of the likeliest and draws nothing", () => {
  const fail = () => {
    throw new Error("a number was drawn");
  };
  equal(sampler({ temperature: 0 })([1, 3, 2, 3], fail), 1);
});

Deno.test("top-p keeps the fewest tokens that reach it", () => {
  const logits = logsOf([0.125, 0.5, 0.125, 0.25]);
  deepEqual(shares(logits, { topP: 0.4 }), [0, 1, 0, 0]);
  deepEqual(shares(logits, { topP: 0.5 }), [0, 1, 0, 0]);
  deepEqual(shares(logits, { topP: 0.7 }), [0, 0.667, 0, 0.333]);
  deepEqual(shares(logits, { topP: 0.875 }), [0.143, 0.571, 0, 0.286]);
  deepEqual(shares(logits, { topP: 0.999 }), [0.125, 0.5, 0.125, 0.25]);
});

Deno.test("top-p counts probabilities after the temperature", () => {
  const logits = logsOf([0.5, 0.25, 0.25]);
  deepEqual(shares(logits, { topP: 0.6 }), [0.667, 0.333, 0]);
  deepEqual(shares(logits, { topP: 0.6, temperature: 0.5 }), [1, 0, 0]);
});

Deno.test("settings out of range and logits that are NaN are refused", () => {
  throws(() => sampler({ temperature: -1 }), /temperature -1.*at least 0/);
  throws(() => sampler({ temperature: NaN }), /temperature NaN/);
  throws(() => sampler({ topP: 0 }), /top-p 0.*above 0 and at most 1/);
  throws(() => sampler({ topP: 1.5 }), /top-p 1.5/);
  throws(() => sampler()([0, NaN], () => 0), /logit of token 1 is NaN/);
});
