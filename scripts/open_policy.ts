import { resolveModel } from "lib/hub.ts";
import type { BaseWeights } from "lib/models/base_weights.ts";
import {
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "lib/models/load_policy.ts";
import type { InputHooks } from "./training_inputs.ts";
import { modelFolder, type ModelPlace } from "./model_folder.ts";

/** Adapters of no weight: the model as it is. */
const AS_IT_IS: Tuning = {
  kind: "lora",
  rank: 1,
  alpha: 1,
  targets: [],
  uniform: () => 0,
};

/** A policy to be used, not trained. */
export interface OpenedPolicy extends LoadedPolicy, ModelPlace {}

/**
 * Opens a model from a path or the Hub, under an adapter if one is named.
 *
 * @param options `baseWeights`: how its weights are held.
 */
export async function openPolicy(
  model: string,
  adapter?: string,
  { baseWeights, ...hooks }: InputHooks & { baseWeights?: BaseWeights } = {},
): Promise<OpenedPolicy> {
  const place = await modelFolder(model, hooks);
  const tuning: Tuning = adapter === undefined
    ? AS_IT_IS
    : { kind: "adapter", ...await resolveModel(adapter, hooks) };
  return {
    ...await loadPolicy(place.folder, tuning, baseWeights && { baseWeights }),
    ...place,
  };
}
