import type { Example } from "lib/data/example.ts";
import { findLoss } from "lib/losses/registry.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { type Parameter, parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { TrainerOptions } from "lib/train/trainer_options.ts";

const ids = (length: number) => Array.from({ length }, (_, i) => 3 + i % 4);

/** A pair of so many tokens. */
export function pairOf(tokens: number): Example {
  const completion = Math.floor(tokens * 3 / 8);
  const prompt = tokens - 2 * completion;
  return {
    prompt: ids(prompt),
    completions: [ids(completion), ids(completion)],
  };
}

/** Eight pairs whose results take about 100 MB in a small decoder. */
export const LONG_ROWS: readonly Example[] = Array(8).fill(pairOf(400));

/** SimPO of a decoder of two layers, all of whose rows are one micro-batch. */
export function trainerOptions(): TrainerOptions {
  const config = {
    ...{ vocabSize: 512, hiddenSize: 64, intermediateSize: 256, layers: 2 },
    ...{ heads: 4, kvHeads: 4, headDim: 16, normEpsilon: 1e-5 },
    ...{ rope: { theta: 10_000, scaling: null }, maxPositions: 8192 },
    ...{ tiedHead: true, bosId: null, eosIds: [2] },
  };
  const initial = new Map(
    parameterNames(config).map(({ name, shape }) => {
      const length = shape.reduce((a, b) => a * b);
      return [name, Float32Array.from({ length }, (_, i) => Math.cos(i) / 10)];
    }),
  );
  const loss = findLoss("simpo");
  return {
    policy: fullPolicy(config, initial),
    loss,
    lossOptions: resolveOptions(loss),
    microTokens: 1 << 20,
  };
}

/** Parameters of these shapes, all 0. */
export function zerosOf(
  parameters: readonly Parameter[],
): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(
    parameters.map(({ name, shape }) => [
      name,
      new Float32Array(shape.reduce((a, b) => a * b)),
    ]),
  );
}
