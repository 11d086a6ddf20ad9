import type { FloatDtype } from "./encode_floats.ts";
import type { TensorSource } from "./safetensors.ts";
import { ELEMENT_BYTES, elementCount } from "./safetensors_header.ts";

/** One file of a model's weights. */
export interface Shard {
  readonly file: string;
  readonly tensors: readonly TensorSource[];
}

/**
 * Divides tensors over files, in the order of their names: a file takes what
 * fits, and a tensor that is too large for any has one of its own. Named as
 * `huggingface_hub`'s `split_state_dict_into_shards_factory` names them.
 */
export function splitShards(
  tensors: readonly TensorSource[],
  { dtype, shardBytes }: { dtype: FloatDtype; shardBytes: number },
): Shard[] {
  const parts: TensorSource[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    const more = elementCount(tensor.shape) * ELEMENT_BYTES[dtype];
    if (bytes > 0 && bytes + more > shardBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(tensor);
    bytes += more;
  }
  if (parts.length === 1) return [{ file: "model.safetensors", tensors }];
  const digits = (n: number) => String(n).padStart(5, "0");
  return parts.map((tensors, i) => ({
    file: `model-${digits(i + 1)}-of-${digits(parts.length)}.safetensors`,
    tensors,
  }));
}

/** What `model.safetensors.index.json` says of shards. */
export function shardIndex(shards: readonly Shard[], dtype: FloatDtype) {
  const tensors = shards.flatMap(({ tensors }) => tensors);
  const parameters = tensors.reduce(
    (n, { shape }) => n + elementCount(shape),
    0,
  );
  const map = shards.flatMap(({ file, tensors }) =>
    tensors.map(({ name }) => [name, file] as const)
  );
  return {
    "metadata": {
      "total_parameters": parameters,
      "total_size": parameters * ELEMENT_BYTES[dtype],
    },
    "weight_map": Object.fromEntries(map),
  };
}
