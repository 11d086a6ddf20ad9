import {
  type Architecture,
  architectureOf,
  type DecoderConfig,
  type ModuleNames,
} from "../config.ts";
import { linearParameters, parameterNames } from "../parameters.ts";
import type { Arrangement, Conversion } from "./convert_tensor.ts";
import type { GgufTensor } from "./gguf_file.ts";

/** GGUF's names of modules → the modules that they may mean. */
const MODULES: Readonly<Record<string, readonly (keyof ModuleNames)[]>> = {
  "token_embd": ["embedding"],
  "position_embd": ["positions"],
  "attn_norm": ["attentionIn"],
  "attn_q": ["query"],
  "attn_k": ["key"],
  "attn_v": ["value"],
  "attn_qkv": ["queryKeyValue"],
  "attn_q_norm": ["queryNorm"],
  "attn_k_norm": ["keyNorm"],
  "attn_output": ["attentionOutput"],
  "post_attention_norm": ["attentionOut"],
  "ffn_norm": ["mlpIn"],
  "ffn_gate": ["gate"],
  "ffn_up": ["up", "gateUp"],
  "ffn_down": ["down"],
  "post_ffw_norm": ["mlpOut"],
  "output_norm": ["finalNorm"],
  "output": ["head"],
};

const NAME = /^(?:blk\.(?<layer>\d+)\.)?(?<module>\w+)\.(?<kind>weight|bias)$/;

/** Finds how a tensor becomes one of the folder; `null` if that has none for it. */
export type TensorMapping = (tensor: GgufTensor) => Conversion | null;

/**
 * Maps tensors of a GGUF file to those of a Hugging Face folder.
 *
 * @param interleaved whether rotary pairs lie side by side in the file.
 */
export function tensorMapping(
  config: DecoderConfig,
  { interleaved = false }: { interleaved?: boolean | undefined },
): TensorMapping {
  const architecture = architectureOf(config);
  const { names, headDim } = architecture;
  const known = new Set(parameterNames(config).map(({ name }) => name));
  const linear = new Set(linearParameters(config).map(({ name }) => name));
  return (tensor) => {
    const { layer, module = "", kind } = NAME.exec(tensor.name)?.groups ?? {};
    const prefix = layer === undefined ? "" : `${names.layers}.${layer}.`;
    const name = Object.hasOwn(MODULES, module) &&
      MODULES[module]!.map((role) => `${prefix}${names[role]}.${kind}`)
        .find((name) => known.has(name));
    if (!name) return null;
    const isLinear = linear.has(name);
    const arrangement = arrangementOf(module, architecture, {
      interleaved,
      isLinear,
    });
    return { name, tensor, arrangement, headDim };
  };
}

/**
 * Rotary pairs lie side by side in files of some architectures, in two halves of
 * a head here. (`permute` of llama.cpp's `convert_hf_to_gguf.py`.)
 */
const ROTARY_HALVES: Arrangement = {
  order: {
    projections: 1,
    storedRow: (row, { headDim }) => {
      const inHead = row % headDim;
      const half = headDim / 2;
      return row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
    },
  },
};

/** Queries, keys and values of each head are together here, apart in GGUF. */
const FUSED_BY_HEAD: Arrangement = {
  order: {
    projections: 3,
    storedRow: (row, { rows, headDim }) => {
      const head = Math.floor(row / (3 * headDim));
      const part = Math.floor(row / headDim) % 3;
      return part * rows / 3 + head * headDim + row % headDim;
    },
  },
};

/** GPT-2's layers are stored as [inputs, outputs]. */
const TRANSPOSED: Arrangement = { isTransposed: true };

/** Gemma scales by 1 + weight, GGUF stores the sum. */
const ONE_ADDED: Arrangement = { added: 1 };

/** The arrangement that llama.cpp's conversion gave a module. */
function arrangementOf(
  module: string,
  { norm, projections, inputsFirst }: Architecture,
  { interleaved, isLinear }: { interleaved: boolean; isLinear: boolean },
): Arrangement {
  if (norm === "offset-rms" && module.endsWith("_norm")) return ONE_ADDED;
  if (projections === "by head" && module === "attn_qkv") return FUSED_BY_HEAD;
  if (inputsFirst && isLinear) return TRANSPOSED;
  const isRotated = module === "attn_q" || module === "attn_k";
  return interleaved && isRotated ? ROTARY_HALVES : {};
}
