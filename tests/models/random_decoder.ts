import type { DecoderConfig } from "lib/models/config.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import type { HostTensor } from "lib/onnx/tensors.ts";
import { Rng } from "lib/rng.ts";

export const SMALL: DecoderConfig = {
  vocabSize: 11,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 6,
  normEpsilon: 1e-5,
  rope: { theta: 10_000, scaling: null },
  maxPositions: 40,
  tiedHead: false,
  bosId: 1,
  eosIds: [2],
};

/** For what losses do to a decoder, however many layers it has. */
export const ONE_LAYER: DecoderConfig = { ...SMALL, layers: 1 };

/** A decoder with random weights, and these as feeds. */
export function randomDecoder(config = SMALL, seed = 0) {
  const rng = new Rng(seed);
  const parameters: Record<string, HostTensor> = {};
  for (const { name, shape } of parameterNames(config)) {
    const size = shape.reduce((a, b) => a * b);
    const isVector = shape.length === 1;
    const scale = isVector ? 0.1 : 1.5 / Math.sqrt(shape[1]!);
    // The factors of norms.
    const center = Number(
      isVector && !name.endsWith("bias") && config.norm !== "offset-rms",
    );
    const data = Float32Array.from(
      { length: size },
      () => center + scale * rng.normal(),
    );
    parameters[name] = { data, shape };
  }
  const initial = new Map(
    Object.entries(parameters).map(([name, { data }]) =>
      [name, data as Float32Array<ArrayBuffer>] as const
    ),
  );
  return { config, policy: fullPolicy(config, initial), parameters };
}
