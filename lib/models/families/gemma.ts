import { type DecoderConfig, LLAMA_NAMES, type RopeConfig } from "../config.ts";
import type { ConfigReader } from "../config_json/config_reader.ts";
import {
  type FamilyDefaults,
  readBiases,
  readDecoder,
  readWindows,
  refuseOthers,
} from "../config_json/decoder_fields.ts";
import { readRope, ropeOf } from "../config_json/rope_fields.ts";
import type { ConfigFields, Family, GgufModel, ModelType } from "../family.ts";
import { headDim, llamaFields, slidingWindow } from "../gguf/config_fields.ts";

const DEFAULTS = {
  headDim: 256,
  epsilon: ["rms_norm_eps", 1e-6],
  tiedHead: true,
  bosId: 2,
  eosId: 1,
} as const;

/** In Gemma 2 and 3. */
const ACTIVATION = ["hidden_activation", "gelu_pytorch_tanh"] as const;

/**
 * Gemma 1: Llama with scaled embeddings, norms whose weights are added to 1,
 * and a GELU. https://arxiv.org/abs/2403.08295
 */
const gemma1: ModelType = {
  read: (fields) => {
    const config = readGemma(fields, {
      ...DEFAULTS,
      kvHeads: 16,
      activation: ["hidden_act", "gelu_pytorch_tanh"],
      maxPositions: 8192,
    });
    const rope = readRope(fields, config);
    // The official files say gelu, and mean its approximation by tanh.
    const { activation } = config;
    const isExact = activation === "gelu";
    return { ...config, rope, ...isExact && { activation: "gelu-tanh" } };
  },
  gguf: {
    transformersClass: "GemmaForCausalLM",
    config: (model) => ({
      ...llamaFields(model),
      "hidden_act": "gelu_pytorch_tanh",
    }),
  },
};

/**
 * Gemma 2: norms around attention and MLP, soft caps, a window in every other
 * layer. https://arxiv.org/abs/2408.00118
 */
const gemma2: ModelType = {
  read: (fields) => {
    const config = readGemma(fields, {
      ...DEFAULTS,
      kvHeads: 4,
      activation: ACTIVATION,
      maxPositions: 8192,
    });
    const windows = readWindows(fields, {
      layers: config.layers,
      window: fields.countOrNone("sliding_window", 4096),
      slides: (i) => (i + 1) % 2 > 0,
    });
    const rope = readRope(fields, config);
    return {
      ...config,
      rope,
      ...sandwiched(fields),
      attentionCap: fields.positiveOrNone("attn_logit_softcapping", 50),
      logitCap: fields.positiveOrNone("final_logit_softcapping", 30),
      perLayer: windows.map((window) => ({ rope, window })),
    };
  },
  gguf: {
    transformersClass: "Gemma2ForCausalLM",
    config: (model) => ({
      ...gemmaFields(model, { largest: 46 }),
      ...Object.fromEntries(
        Object.entries(CAPS)
          .map(([name, cap]) => [name, model.fields.positive(name, cap)]),
      ),
      "sliding_window": model.fields.count("attention.sliding_window", 4096),
    }),
  },
};

/** Gemma 2's soft caps. */
const CAPS = { "attn_logit_softcapping": 50, "final_logit_softcapping": 30 };

/**
 * The text model of Gemma 3: norms of queries and keys rather than a cap, a
 * window in five of six layers, which rotate faster than the others.
 * https://arxiv.org/abs/2503.19786
 */
const gemma3: ModelType = {
  read: (fields) => {
    const config = readGemma(fields, {
      ...DEFAULTS,
      kvHeads: 4,
      activation: ACTIVATION,
      maxPositions: 131_072,
    });
    const ropes = readRopes(fields, config);
    const pattern = fields.count("sliding_window_pattern", 6);
    const windows = readWindows(fields, {
      layers: config.layers,
      window: fields.countOrNone("sliding_window", 4096),
      slides: (i) => (i + 1) % pattern > 0,
    });
    return {
      ...config,
      ...sandwiched(fields),
      rope: ropes.full,
      qkNorm: "head",
      logitCap: fields.positiveOrNone("final_logit_softcapping", null),
      perLayer: windows.map((window) => ({
        rope: window === null ? ropes.full : ropes.sliding,
        window,
      })),
    };
  },
  gguf: {
    architecture: "gemma3",
    transformersClass: "Gemma3ForCausalLM",
    config: (model) => {
      const { fields } = model;
      const cap = "final_logit_softcapping";
      return {
        ...gemmaFields(model, { largest: 62 }),
        "rope_theta": fields.positive("rope.freq_base", 1_000_000),
        "rope_local_base_freq": fields.positive("rope.freq_base_swa", 10_000),
        "sliding_window": slidingWindow(fields),
        "sliding_window_pattern": 6,
        [cap]: fields.has(cap) ? fields.positive(cap) : null,
      };
    },
  },
};

/** Gemma 1, 2 and 3. */
export const gemma: Family = {
  types: { gemma: gemma1, gemma2, "gemma3_text": gemma3 },
  refused: {
    gemma3:
      '"gemma3_text", without images. In transformers, save the text model alone: ' +
      "text = Gemma3ForCausalLM(model.config.text_config); " +
      "text.model.load_state_dict(model.model.language_model.state_dict()); " +
      "text.save_pretrained(folder)",
  },
};

/** Reads the rotations of layers that see everything, and of those that slide. */
function readRopes(
  fields: ConfigReader,
  config: Pick<DecoderConfig, "headDim" | "maxPositions">,
): Readonly<Record<"full" | "sliding", RopeConfig>> {
  const nested = fields.object("rope_parameters");
  const scaling = fields.object("rope_scaling");
  if (scaling?.has("type") && !scaling.has("rope_type")) {
    throw scaling.error(
      "type",
      'the name "rope_type" in its place: transformers reads no other here',
    );
  }
  const full = nested?.object("full_attention") ?? scaling;
  const sliding = nested?.object("sliding_attention") ?? null;
  const [global, local] = [
    ["rope_theta", 1_000_000],
    ["rope_local_base_freq", 10_000],
  ] as const;
  return {
    full: ropeOf(fields, full, { ...config, theta: global }),
    sliding: ropeOf(fields, sliding, { ...config, theta: local }),
  };
}

function readGemma(fields: ConfigReader, defaults: FamilyDefaults) {
  refuseOthers(fields, { "use_bidirectional_attention": false });
  const config = readDecoder(fields, defaults);
  return {
    ...config,
    ...readBiases(fields),
    norm: "offset-rms" as const,
    embeddingScale: Math.sqrt(config.hiddenSize),
  };
}

/** Norms before and after attention and MLP, and the scale of attention. */
function sandwiched(
  fields: ConfigReader,
): Pick<Required<DecoderConfig>, "names" | "attentionScale"> {
  return {
    attentionScale: fields.positive("query_pre_attn_scalar", 256) ** -0.5,
    names: {
      ...LLAMA_NAMES,
      attentionOut: "post_attention_layernorm",
      mlpIn: "pre_feedforward_layernorm",
      mlpOut: "post_feedforward_layernorm",
    },
  };
}

/** @param largest the layers of the model that scales by width, not by heads. */
function gemmaFields(
  model: GgufModel,
  { largest }: { largest: number },
): ConfigFields {
  const { fields } = model;
  const size = headDim(fields);
  const { hidden_act: _silu, ...rest } = llamaFields(model);
  // The file does not say; llama.cpp knows by the number of layers, too.
  const isLargest = fields.count("block_count") === largest;
  return {
    ...rest,
    "hidden_activation": "gelu_pytorch_tanh",
    "query_pre_attn_scalar": isLargest
      ? fields.count("embedding_length") / fields.count("attention.head_count")
      : size,
  };
}
