import { deepEqual, ok } from "node:assert/strict";
import { exponential } from "lib/models/generate/exponential.ts";
import { type Drawn, sampler } from "lib/models/generate/sample_token.ts";
import { resolveSampling, type Sampling } from "lib/models/generate/warpers.ts";
import { Rng } from "lib/rng.ts";

// A sampler with nothing spared: a list of tokens, sorted where it has to be,
// and each softmax computed anew. Sums run in the order of ids, and those of
// top-p from the heaviest token, so that all its bits are the sampler's.

interface Token {
  readonly id: number;
  readonly score: number;
}

function softmax(tokens: readonly Token[]) {
  const largest = Math.max(...tokens.map(({ score }) => score));
  const weights = tokens.map(({ score }) => exponential(score - largest));
  const total = weights.reduce((a, b) => a + b);
  const logOf = (score: number) => score - largest - Math.log(total);
  return { largest, weights, total, logOf };
}

function nucleus(tokens: readonly Token[], p: number): Token[] {
  const { weights, total } = softmax(tokens);
  const order = [...weights.keys()]
    .sort((a, b) => weights[b]! - weights[a]! || a - b);
  let sum = 0;
  const enough = order.findIndex((i) => (sum += weights[i]!) >= p * total);
  const kept = new Set(order.slice(0, enough < 0 ? undefined : enough + 1));
  return tokens.filter((_, i) => kept.has(i));
}

function warp(
  logits: readonly number[],
  sampling: Sampling,
  seen: ReadonlySet<number>,
): Token[] {
  const { repetitionPenalty, temperature, topK, topP, minP } = resolveSampling(
    sampling,
  );
  let tokens = logits.map((logit, id) => {
    if (repetitionPenalty === 1 || !seen.has(id)) return { id, score: logit };
    const isNegative = logit < 0;
    const score = isNegative
      ? logit * repetitionPenalty
      : logit / repetitionPenalty;
    return { id, score };
  });
  const { largest } = softmax(tokens);
  if (temperature === 0) {
    return [tokens.find(({ score }) => score === largest)!];
  }
  if (temperature !== 1) {
    tokens = tokens.map(({ id, score }) => ({
      id,
      score: (score - largest) / temperature,
    }));
  }
  if (topK > 0 && topK < tokens.length) {
    const least = tokens.map(({ score }) => score)
      .sort((a, b) => b - a)[topK - 1]!;
    tokens = tokens.filter(({ score }) => score >= least);
  }
  if (topP < 1) tokens = nucleus(tokens, topP);
  if (minP === 0) return tokens;
  const least = softmax(tokens).largest + Math.log(minP);
  return tokens.filter(({ score }) => score >= least);
}

function drawPlainly(
  logits: readonly number[],
  sampling: Sampling,
  { seen, uniform }: { seen: ReadonlySet<number>; uniform: number },
): Drawn {
  const model = softmax(logits.map((score, id) => ({ id, score })));
  const tokens = warp(logits, sampling, seen);
  const { weights, total, logOf } = softmax(tokens);
  const mark = sampling.temperature === 0 ? 0 : uniform * total;
  let sum = 0;
  const i = weights.findIndex((weight) => (sum += weight) > mark);
  const { id, score } =
    tokens[i < 0 ? weights.findLastIndex((weight) => weight > 0) : i]!;
  return {
    id,
    logProb: model.logOf(logits[id]!),
    samplingLogProb: logOf(score),
  };
}

const oneOf = <T>(rng: Rng, list: readonly T[]) =>
  list[rng.integer(list.length)]!;

function randomSampling(rng: Rng): Sampling {
  return {
    repetitionPenalty: oneOf(rng, [1, 1, 1.3, 0.8]),
    temperature: oneOf(rng, [1, 1, 0.7, 1.5, 1e-300, 0]),
    topK: oneOf(rng, [0, 0, 1, 3, 50]),
    topP: oneOf(rng, [1, 1, 0.9, 0.5, 1e-9, 1 - 2 ** -53]),
    minP: oneOf(rng, [0, 0, 0.05, 1]),
  };
}

/** Float32 logits: spread widely or little, tied, hidden, or beyond e^x. */
function randomLogits(rng: Rng): number[] {
  const length = oneOf(rng, [1, 2, 7, 60, 700]);
  const spread = oneOf(rng, [0, 0.1, 3, 30, 1e3, 1e30]);
  const hidden = oneOf(rng, [0, 0, 0.5, 0.99]);
  const isTied = rng.uniform() < 0.3;
  const logits = Array.from({ length }, () => {
    const x = Math.fround(spread * rng.normal());
    return rng.uniform() < hidden ? -Infinity : isTied ? Math.round(x) : x;
  });
  if (rng.uniform() < 0.3) {
    const largest = Math.max(...logits);
    for (let i = 0; i < 3; i++) logits[rng.integer(length)] = largest;
  }
  if (!logits.some(Number.isFinite)) logits[rng.integer(length)] = 0;
  return logits;
}

Deno.test("whatever the logits and settings, all bits are those of a plain sampler", () => {
  const rng = new Rng("plain");
  let rare = 0;
  for (let i = 0; i < 3000; i++) {
    const sampling = randomSampling(rng);
    const sample = sampler(sampling);
    // The second row must not depend on what the first one left behind.
    for (const logits of [randomLogits(rng), randomLogits(rng)]) {
      const seen = new Set(
        [0, 1, 2].map(() => rng.integer(logits.length)),
      );
      const uniform = oneOf(rng, [rng.uniform(), rng.uniform(), 1 - 2 ** -53]);
      const expected = drawPlainly(logits, sampling, { seen, uniform });
      const drawn = sample(Float32Array.from(logits), {
        seen,
        uniform: () => uniform,
      });
      deepEqual(drawn, expected, JSON.stringify({ sampling, uniform, logits }));
      if (expected.logProb < -1) rare++;
    }
  }
  ok(rare > 500, `${rare} draws of unlikely tokens`);
});
