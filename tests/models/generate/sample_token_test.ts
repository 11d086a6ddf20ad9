import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { type Drawn, sampler } from "lib/models/generate/sample_token.ts";
import type { Sampling } from "lib/models/generate/warpers.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../../assert_close.ts";
import { CASES } from "./warpers_cases.ts";

/** The token that is chosen without a prompt, at one random number. */
function drawn(
  logits: readonly number[],
  uniform: number,
  sampling: Sampling = {},
): Drawn {
  return sampler(sampling)(logits, { seen: [], uniform: () => uniform });
}

/** How often each of `n` tokens is drawn at evenly spread numbers. */
function shares(logits: readonly number[], sampling: Sampling): number[] {
  const draws = 1000;
  const counts = logits.map(() => 0);
  const sample = sampler(sampling);
  for (let i = 0; i < draws; i++) {
    const uniform = () => (i + 0.5) / draws;
    counts[sample(logits, { seen: [], uniform }).id]!++;
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
  equal(drawn([-Infinity, 0, -Infinity], 0).id, 1);
  equal(drawn([-Infinity, 0, -Infinity], 1 - 2 ** -53).id, 1);
});

Deno.test("logits of any size and tiny temperatures stay finite", () => {
  deepEqual(shares([1e30, 1e30, -1e30], {}), [0.5, 0.5, 0]);
  deepEqual(shares([-8e8, 0, -1], { temperature: 1e-300 }), [0, 1, 0]);
});

Deno.test("temperature 0 takes the first of the likeliest and draws nothing", () => {
  const fail = () => {
    throw new Error("a number was drawn");
  };
  const greedy = sampler({ temperature: 0, topP: 0.5 });
  equal(greedy([1, 3, 2, 3], { seen: [], uniform: fail }).id, 1);
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

Deno.test("tokens are drawn as often as transformers' probabilities say", () => {
  const draws = 5000;
  const cases = CASES.filter(({ kind, tied }) =>
    ["random", "tied", "hidden"].includes(kind) && !tied
  );
  for (const { settings, logits, scores, ids, kind } of cases) {
    const rng = new Rng(`${kind} ${JSON.stringify(settings)}`);
    const from = { seen: new Set(ids), uniform: () => rng.uniform() };
    const sample = sampler(settings);
    const counts = Array.from(logits, () => 0);
    for (let i = 0; i < draws; i++) counts[sample(logits, from).id]!++;
    const weights = Array.from(scores, Math.exp);
    const total = weights.reduce((a, b) => a + b);
    const expected = weights.map((weight) => draws * weight / total);
    ok(counts.every((count, id) => count === 0 || expected[id]! > 0));
    const z = chiSquareScore(counts, expected);
    ok(z < 3.5, `${kind} ${JSON.stringify(settings)}: z = ${z}`);
  }
});

/**
 * How many standard deviations χ² is too large, by Wilson and Hilferty,
 * https://doi.org/10.1073/pnas.17.12.684; rare tokens count as one.
 */
function chiSquareScore(counts: number[], expected: number[]): number {
  const rare = expected.map((n) => n < 5);
  const sum = (list: number[]) =>
    list.reduce((total, n, id) => total + (rare[id] ? n : 0), 0);
  const cells = [...counts.keys()].filter((id) => !rare[id])
    .map((id) => [counts[id]!, expected[id]!]);
  if (sum(expected) >= 5) cells.push([sum(counts), sum(expected)]);
  const freedom = cells.length - 1;
  if (freedom === 0) return 0;
  const chiSquare = cells.reduce((t, [o, e]) => t + (o! - e!) ** 2 / e!, 0);
  const spread = 2 / (9 * freedom);
  return (Math.cbrt(chiSquare / freedom) - 1 + spread) / Math.sqrt(spread);
}

Deno.test("a token's log-probabilities are the model's and those of the draw", () => {
  const logits = logsOf([0.1, 0.2, 0.4, 0.3]);
  const plain = drawn(logits, 0.5);
  equal(plain.id, 2);
  assertClose([plain.logProb], [Math.log(0.4)], { tolerance: 1e-14 });
  equal(plain.samplingLogProb, plain.logProb);
  // Squares of the two likeliest are 0.16 and 0.09.
  const warped = drawn(logits, 0.9, { temperature: 0.5, topK: 2 });
  equal(warped.id, 3);
  assertClose([warped.logProb], [Math.log(0.3)], { tolerance: 1e-14 });
  assertClose([warped.samplingLogProb], [Math.log(0.36)], { tolerance: 1e-14 });
  const greedy = drawn(logits, 0, { temperature: 0 });
  assertClose([greedy.logProb], [Math.log(0.4)], { tolerance: 1e-14 });
  equal(greedy.samplingLogProb, 0);
});

Deno.test("the model's log-probability knows nothing of the repetition penalty", () => {
  const sample = sampler({ repetitionPenalty: 2, temperature: 0 });
  const { id, logProb } = sample([2, 1.5], { seen: [0], uniform: () => 0 });
  equal(id, 1);
  const expected = 1.5 - Math.log(Math.exp(2) + Math.exp(1.5));
  assertClose([logProb], [expected], { tolerance: 1e-14 });
});

Deno.test("a vocabulary of one token has nothing to choose from", () => {
  const all = { temperature: 0.5, topK: 1, topP: 0.5, minP: 1 };
  for (const sampling of [{}, all, { temperature: 0 }]) {
    const only = { id: 0, logProb: 0, samplingLogProb: 0 };
    deepEqual(drawn([-7], 0.99, sampling), only);
  }
});

Deno.test("logits that are NaN or ∞, or −∞ all of them, are refused", () => {
  for (const temperature of [0, 1]) {
    const refused = (logits: number[], message: RegExp) =>
      throws(() => drawn(logits, 0, { temperature }), message);
    refused([0, NaN], /logit of token 1 is NaN/);
    refused([Infinity, 0], /logit of token 0 is Infinity/);
    refused(
      [-Infinity, -Infinity],
      /all logits are -Infinity, expected finite/,
    );
  }
});
