import type { DecoderConfig } from "../models/config.ts";
import { linearParameters, parameterNames } from "../models/parameters.ts";
import {
  initialLora,
  loraParameters,
  loraPolicy,
  type Policy,
} from "../models/policy.ts";
import type { ValueIn, Weights } from "../models/weights/weights.ts";
import { Rng } from "../rng.ts";

/** The sizes of a decoder that measurements vary. */
export interface DecoderSizes {
  readonly hidden: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly rank: number;
}

/** A Llama with these sizes: heads of 64, two for each key, gated MLP of 8/3. */
export function decoderOf(
  { hidden, layers, vocabulary }: Omit<DecoderSizes, "rank">,
): DecoderConfig {
  const heads = hidden / 64;
  return {
    ...{ vocabSize: vocabulary, hiddenSize: hidden, layers, heads },
    intermediateSize: Math.round(hidden * 8 / 3 / 64) * 64,
    ...{ kvHeads: Math.ceil(heads / 2), headDim: 64, normEpsilon: 1e-5 },
    rope: { theta: 10_000, scaling: null },
    ...{ maxPositions: 8192, tiedHead: true, bosId: null, eosIds: [0] },
  };
}

/** Numbers that are drawn, and then repeat: a prime, so that rows differ. */
const DRAWS = 8191;

/** A decoder of random weights with adapters on all linear layers. */
export function randomPolicy(sizes: DecoderSizes): Policy {
  const config = decoderOf(sizes);
  const rng = new Rng("bench");
  const lora = {
    ...{ rank: sizes.rank, alpha: sizes.rank, replaced: [] },
    targets: linearParameters(config).map(({ name }) => name),
  };
  const parameters = loraParameters(config, lora);
  const initial = initialLora(parameters, () => rng.uniform());
  return loraPolicy(config, randomWeights(config, rng), { ...lora, initial });
}

/** Weights in memory that no file has. */
function randomWeights(config: DecoderConfig, rng: Rng): Weights {
  const draws = rng.uniforms(DRAWS);
  const held = new Map(
    parameterNames(config).map(({ name, shape }) => {
      const length = shape.reduce((a, b) => a * b);
      const scale = 1 / Math.sqrt(shape.at(-1)!);
      const values = new Float32Array(length).fill(1);
      if (shape.length > 1) {
        values.forEach((_, i) =>
          values[i] = scale * (2 * draws[i % DRAWS]! - 1)
        );
      }
      return [name, { shape, held: values }];
    }),
  );
  const quantized = new Map(
    Array.from(held, ([name, { shape, held }]): [string, ValueIn] => [
      name,
      (graph) => graph.external({ dtype: "float32", shape }, { held }),
    ]),
  );
  return {
    ...{ files: [], quantized, get: () => undefined },
    names: () => [...held.keys()],
    read: (name) => Promise.resolve(held.get(name)!.held),
    readSync: (name) => held.get(name)!.held,
    assertFinite: () => Promise.resolve(),
    hash: () => Promise.resolve(""),
  };
}
