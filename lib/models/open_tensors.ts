import { adaptedConfig, checkAdapter } from "./adapter.ts";
import { readAdapter } from "./adapter/adapter_folder.ts";
import { mergeAdapter } from "./adapter/merge_adapter.ts";
import { architectureOf } from "./architecture.ts";
import type { DecoderConfig } from "./config.ts";
import { openModel } from "./open_model.ts";
import { parameterNames } from "./parameters.ts";
import type { Weights } from "./weights.ts";
import type { TensorSource } from "./weights/safetensors.ts";

/** A model's parameters in forward order, to be read one after another. */
export interface ModelTensors {
  readonly tensors: readonly TensorSource[];
  /** The weights as they are stored. */
  readonly weights: Weights;
}

/**
 * Opens a model folder, with an adapter merged into it where one is given.
 *
 * @throws Error for a folder, weight or adapter that is missing, unsupported or
 * of the wrong shape.
 */
export async function openTensors(
  folder: string,
  { adapter }: { adapter?: string | undefined } = {},
): Promise<ModelTensors> {
  const { config, weights } = await openModel(folder);
  const stored = (config: DecoderConfig) =>
    parameterNames(config).map(({ name, shape }) => ({
      name,
      shape,
      read: () => weights.read(name),
    }));
  if (adapter === undefined) {
    return { tensors: stored(config), weights };
  }
  const update = await readAdapter(adapter);
  checkAdapter(config, update);
  const known = stored(adaptedConfig(config, update.replaced));
  const tensors = mergeAdapter(known, update, architectureOf(config));
  return { tensors, weights };
}
