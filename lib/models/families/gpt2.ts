import { LLAMA_NAMES, type ModuleNames } from "../config.ts";
import {
  readActivation,
  refuseOthers,
  refuseQuantized,
} from "../config_json/decoder_fields.ts";
import type { Family } from "../family.ts";
import { commonFields, layerNormEpsilon } from "../gguf/config_fields.ts";

const NAMES: ModuleNames = {
  ...LLAMA_NAMES,
  embedding: "transformer.wte",
  positions: "transformer.wpe",
  layers: "transformer.h",
  attentionIn: "ln_1",
  mlpIn: "ln_2",
  queryKeyValue: "attn.c_attn",
  attentionOutput: "attn.c_proj",
  up: "mlp.c_fc",
  down: "mlp.c_proj",
  finalNorm: "transformer.ln_f",
};

/**
 * GPT-2: learned positions, layer norms, biases, an MLP without a gate, and
 * matrices stored the other way round.
 * https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf
 */
export const gpt2: Family = {
  types: {
    gpt2: {
      read: (fields) => {
        refuseQuantized(fields);
        refuseOthers(fields, {
          "scale_attn_weights": true,
          "scale_attn_by_inverse_layer_idx": false,
          "add_cross_attention": false,
        });
        const hiddenSize = fields.count("n_embd");
        const heads = fields.few("n_head");
        if (hiddenSize % heads !== 0) {
          throw fields.error("n_head", `a divisor of n_embd, ${hiddenSize}`);
        }
        return {
          vocabSize: fields.count("vocab_size"),
          hiddenSize,
          intermediateSize: fields.countOrNone("n_inner", null) ??
            4 * hiddenSize,
          layers: fields.few("n_layer"),
          heads,
          kvHeads: heads,
          headDim: hiddenSize / heads,
          normEpsilon: fields.positive("layer_norm_epsilon", 1e-5),
          rope: null,
          maxPositions: fields.count("n_positions", 1024),
          tiedHead: fields.flag("tie_word_embeddings", true),
          bosId: fields.tokenIds("bos_token_id", [50_256])[0] ?? null,
          eosIds: fields.tokenIds("eos_token_id", [50_256]),
          norm: "layer",
          projections: "joined",
          mlp: "plain",
          ...readActivation(fields, ["activation_function", "gelu_new"]),
          biases: { qkv: true, o: true, mlp: true },
          inputsFirst: true,
          names: NAMES,
        };
      },
      gguf: {
        transformersClass: "GPT2LMHeadModel",
        config: (model) => {
          const { hidden_size, intermediate_size, ...sizes } = commonFields(
            model,
          );
          return {
            "vocab_size": sizes["vocab_size"],
            "n_embd": hidden_size,
            "n_inner": intermediate_size,
            "n_layer": sizes["num_hidden_layers"],
            "n_head": sizes["num_attention_heads"],
            "n_positions": sizes["max_position_embeddings"],
            "tie_word_embeddings": sizes["tie_word_embeddings"],
            "layer_norm_epsilon": layerNormEpsilon(model.fields),
            "activation_function": "gelu_new",
          };
        },
      },
    },
  },
};
