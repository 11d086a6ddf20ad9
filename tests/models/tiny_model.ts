import { parameterNames } from "lib/models/parameters.ts";
import { readConfig } from "lib/models/read_config.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import type { NamedTensor } from "lib/models/weights/safetensors_header.ts";

/** Small as it is, no two of its sizes are equal. */
export const TINY = {
  "model_type": "llama",
  "vocab_size": 11,
  "hidden_size": 8,
  "intermediate_size": 6,
  "num_hidden_layers": 2,
  "num_attention_heads": 2,
  "num_key_value_heads": 1,
  "max_position_embeddings": 32,
  "rms_norm_eps": 1e-5,
  "rope_theta": 10000,
  "tie_word_embeddings": true,
};

/** Calls `use` with a temporary folder, which goes away afterwards. */
export async function withFolder(
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes an object as a JSON file. */
export async function putJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value));
}

/** Parameters of a folder's configuration: each element tells its place. */
export async function tensorsFor(folder: string): Promise<NamedTensor[]> {
  const parameters = parameterNames(await readConfig(folder));
  return parameters.map(({ name, shape }, which) => ({
    name,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b))
      .map((_, i) => which + i / 1024),
  }));
}

/** Writes a tiny model folder, `change` applied to its tensors first. */
export async function putTinyModel(
  folder: string,
  change: (tensors: NamedTensor[]) => NamedTensor[] = (same) => same,
): Promise<void> {
  await putJson(`${folder}/config.json`, TINY);
  await writeSafetensors(
    `${folder}/model.safetensors`,
    change(await tensorsFor(folder)),
  );
}
