import { resolveTargets } from "lib/models/adapter/lora_targets.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import {
  type Lora,
  loraParameters,
  loraPolicy,
  type Policy,
} from "lib/models/policy.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { Rng } from "lib/rng.ts";
import { randomDecoder } from "./random_decoder.ts";

/**
 * A random decoder, frozen in a file of `folder`, and random adapters of all
 * its linear layers, B as well as A. The folder must outlive the policy.
 */
export async function randomLora(
  folder: string,
  { config, parameters } = randomDecoder(),
): Promise<{ policy: Policy; lora: Lora }> {
  const stored = Object.entries(parameters).map(([name, tensor]) => ({
    name,
    shape: tensor.shape,
    data: Float32Array.from(hostData(tensor)),
  }));
  await writeSafetensors(`${folder}/model.safetensors`, stored);
  const rng = new Rng("lora");
  const targets = resolveTargets(config, "all-linear");
  const shape = { rank: 2, alpha: 3, targets, replaced: [] };
  const initial = new Map(
    loraParameters(config, shape).map(({ name, shape }) => {
      const length = shape.reduce((a, b) => a * b);
      return [name, Float32Array.from({ length }, () => 0.3 * rng.normal())];
    }),
  );
  const lora = { ...shape, initial };
  const weights = await openWeights(folder);
  return { policy: loraPolicy(config, weights, lora), lora };
}

/** A random policy that is trained whole, or by adapters over a file of `folder`. */
export async function randomTuned(
  kind: "full" | "lora",
  folder: string,
  config: DecoderConfig,
): Promise<Policy> {
  const decoder = randomDecoder(config);
  if (kind === "full") return decoder.policy;
  return (await randomLora(folder, decoder)).policy;
}
