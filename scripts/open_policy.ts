import { resolveModel } from "lib/hub.ts";
import type { BaseWeights } from "lib/models/base_weights.ts";
import {
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "lib/models/load_policy.ts";
import { note } from "lib/terminal.ts";
import { downloadProgress } from "./download_progress.ts";
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
 * @param held `baseWeights`: how its weights are held.
 */
export async function openPolicy(
  model: string,
  adapter?: string,
  held: { baseWeights?: BaseWeights } = {},
): Promise<OpenedPolicy> {
  const options = { onFile: downloadProgress(), onWait: note };
  const place = await modelFolder(model, options);
  const tuning: Tuning = adapter === undefined
    ? AS_IT_IS
    : { kind: "adapter", ...await resolveModel(adapter, options) };
  return { ...await loadPolicy(place.folder, tuning, held), ...place };
}
