import { join } from "node:path";
import { parameterNames } from "../../models/parameters.ts";
import { readConfig } from "../../models/read_config.ts";
import { writeTensors } from "../../models/weights/write_safetensors.ts";
import { Rng } from "../../rng.ts";

/** The sizes of public decoders, as fields of their config.json. */
export const MODEL_SHAPES = {
  // https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
  "SmolLM2-135M": llama({
    ...{ hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30 },
    ...{ num_attention_heads: 9, num_key_value_heads: 3 },
  }),
  // https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct
  "Qwen2.5-0.5B": {
    ...{ model_type: "qwen2", architectures: ["Qwen2ForCausalLM"] },
    ...{ hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
    ...{ num_attention_heads: 14, num_key_value_heads: 2 },
    ...{ vocab_size: 151_936, max_position_embeddings: 32_768 },
    ...{ rms_norm_eps: 1e-6, rope_theta: 1e6, tie_word_embeddings: true },
    ...{ hidden_act: "silu", bos_token_id: 0, eos_token_id: 0 },
  },
  // https://huggingface.co/HuggingFaceTB/SmolLM2-1.7B-Instruct
  "SmolLM2-1.7B": llama({
    ...{ hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 24 },
    ...{ num_attention_heads: 32, num_key_value_heads: 32 },
  }),
  // https://huggingface.co/HuggingFaceTB/SmolLM2-360M-Instruct
  "SmolLM2-360M": llama({
    ...{ hidden_size: 960, intermediate_size: 2560, num_hidden_layers: 32 },
    ...{ num_attention_heads: 15, num_key_value_heads: 5 },
  }),
  /** Small enough for a trial and for a driver that plays a GPU. */
  tiny: {
    ...llama({
      ...{ hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2 },
      ...{ num_attention_heads: 2, num_key_value_heads: 1 },
    }),
    vocab_size: 256,
  },
} as const;

/** The name of a decoder's sizes. */
export type ModelShape = keyof typeof MODEL_SHAPES;

function llama(sizes: Readonly<Record<string, number>>) {
  return {
    ...{ model_type: "llama", architectures: ["LlamaForCausalLM"], ...sizes },
    ...{ vocab_size: 49_152, max_position_embeddings: 8192 },
    ...{ rms_norm_eps: 1e-5, rope_theta: 100_000, tie_word_embeddings: true },
    ...{ hidden_act: "silu", bos_token_id: 0, eos_token_id: 0 },
  };
}

/** Standard deviation of first weights, as transformers has it. */
const SCALE = 0.02;

/** Numbers that are drawn, and then repeat: a prime, so that rows differ. */
const DRAWS = 8191;

/**
 * Writes a model folder with random weights in bfloat16, which every trainer
 * reads. Norms are 1 and biases 0.
 *
 * @param folder exists and is empty.
 */
export async function writeRandomModel(
  folder: string,
  shape: ModelShape,
): Promise<void> {
  const path = join(folder, "config.json");
  await Deno.writeTextFile(path, JSON.stringify(MODEL_SHAPES[shape]));
  const config = await readConfig(folder);
  const draws = Float32Array.from(
    new Rng("bench").uniforms(DRAWS),
    (u) => SCALE * Math.sqrt(12) * (u - 0.5),
  );
  const tensors = parameterNames(config).map(({ name, shape }) => ({
    ...{ name, shape },
    read: () => Promise.resolve(valuesOf({ name, shape }, draws)),
  }));
  const file = join(folder, "model.safetensors");
  await writeTensors(file, tensors, { dtype: "BF16" });
}

function valuesOf(
  { name, shape }: { name: string; shape: readonly number[] },
  draws: Float32Array,
): Float32Array {
  const length = shape.reduce((a, b) => a * b);
  if (name.endsWith(".bias")) return new Float32Array(length);
  if (shape.length === 1) return new Float32Array(length).fill(1);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i += draws.length) {
    values.set(draws.subarray(0, length - i), i);
  }
  return values;
}
