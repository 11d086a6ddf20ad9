import hub from "../fixtures/hub_configs.json" with { type: "json" };
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import {
  architectureOf,
  attentionLayers,
  type DecoderConfig,
} from "lib/models/config.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import { configOf } from "./config_of.ts";

/*
config.json of models on the Hub, without what no reader reads, and how many
parameters transformers 5.23 makes of it:

with torch.device("meta"):
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))
sum(parameter.numel() for parameter in model.parameters())
*/
type Fields = Readonly<Record<string, unknown>>;
const HUB = new Map<string, { parameters: number; config: Fields }>(
  Object.entries(hub),
);

for (const [name, { parameters, config }] of HUB) {
  Deno.test(`${name} has ${parameters} parameters`, async () => {
    const names = parameterNames(await configOf(config));
    strictEqual(countParameters(names), parameters);
  });
}

const ROPE = { theta: 10_000, scaling: null };

/** The fields in which each differs from Llama. */
const WAYS: Readonly<Record<string, Partial<DecoderConfig>>> = {
  "Mistral-7B-v0.1": {
    perLayer: new Array(32).fill({ rope: ROPE, window: 4096 }),
  },
  "SmolLM3-3B": {
    tiedHead: true,
    bosId: null,
    perLayer: Array.from({ length: 36 }, (_, i) => ({
      rope: i % 4 === 3 ? null : { theta: 5e6, scaling: null },
      window: null,
    })),
  },
  "Qwen2.5-0.5B": {
    biases: { qkv: true, o: false, mlp: false },
    perLayer: null,
    eosIds: [151_643],
  },
  "Qwen3-0.6B": { headDim: 128, qkNorm: "head", perLayer: null },
  "granite-3.0-2b-base": {
    embeddingScale: 12,
    attentionScale: 1 / 64,
    residualScale: 0.22,
    logitScale: 1 / 8,
  },
  "OLMo-1B-hf": { norm: "bare-layer", normEpsilon: 1e-5, tiedHead: true },
  "OLMo-2-0425-1B": { qkNorm: "whole", bosId: null, tiedHead: false },
  "gemma-2b": {
    tiedHead: true,
    activation: "gelu-tanh",
    norm: "offset-rms",
    embeddingScale: Math.sqrt(2048),
    attentionScale: null,
  },
  "gemma-2-2b": {
    tiedHead: true,
    activation: "gelu-tanh",
    norm: "offset-rms",
    attentionScale: 1 / 16,
    attentionCap: 50,
    logitCap: 30,
    perLayer: Array.from({ length: 26 }, (_, i) => ({
      rope: ROPE,
      window: i % 2 === 0 ? 4096 : null,
    })),
  },
  "gemma-3-270m": {
    qkNorm: "head",
    attentionCap: null,
    logitCap: null,
    perLayer: Array.from(
      { length: 18 },
      (_, i) =>
        i % 6 === 5
          ? { rope: { theta: 1e6, scaling: null }, window: null }
          : { rope: ROPE, window: 512 },
    ),
  },
  "Phi-3-mini-4k-instruct": {
    projections: "joined",
    mlp: "joined gate",
    perLayer: new Array(32).fill({ rope: ROPE, window: 2047 }),
  },
  "gpt2": {
    rope: null,
    norm: "layer",
    projections: "joined",
    mlp: "plain",
    activation: "gelu-tanh",
    inputsFirst: true,
    intermediateSize: 3072,
    tiedHead: true,
  },
  "pythia-70m": {
    rope: { ...ROPE, size: 16 },
    norm: "layer",
    projections: "by head",
    mlp: "plain",
    activation: "gelu",
    parallel: true,
    tiedHead: false,
  },
  "stablelm-2-1_6b": {
    rope: { ...ROPE, size: 16 },
    norm: "layer",
    qkNorm: "none",
    parallel: false,
    biases: { qkv: true, o: false, mlp: false },
  },
  "starcoder2-3b": {
    norm: "layer",
    mlp: "plain",
    activation: "gelu-tanh",
    biases: { qkv: true, o: true, mlp: true },
    tiedHead: true,
  },
};

for (const [name, expected] of Object.entries(WAYS)) {
  Deno.test(`${name} is read as its architecture`, async () => {
    const found = new Map(
      Object.entries(architectureOf(await configOf(HUB.get(name)!.config))),
    );
    for (const [way, value] of Object.entries(expected)) {
      deepStrictEqual(found.get(way), value, way);
    }
  });
}

/** The configuration of one of them with changes. */
const changed = (name: string, changes: Fields) =>
  configOf({ ...HUB.get(name)!.config, ...changes });

const windowsOf = (config: DecoderConfig) =>
  attentionLayers(config).map(({ window }) => window);

Deno.test("an absent window is the family's usual one, null is none", async () => {
  const usual = await changed("Mistral-7B-v0.1", {
    "sliding_window": undefined,
  });
  deepStrictEqual(windowsOf(usual), new Array(32).fill(4096));
  const none = await changed("Mistral-7B-v0.1", { "sliding_window": null });
  deepStrictEqual(windowsOf(none), new Array(32).fill(null));
});

Deno.test("absent key heads are the family's usual ones, null is one a head", async () => {
  const name = "Mistral-7B-v0.1";
  const usual = await changed(name, { "num_key_value_heads": undefined });
  strictEqual(usual.kvHeads, 8);
  const each = await changed(name, { "num_key_value_heads": null });
  strictEqual(each.kvHeads, 32);
});

Deno.test("Qwen's upper layers have a window if it is switched on", async () => {
  const config = await changed("Qwen2.5-0.5B", {
    "use_sliding_window": true,
    "sliding_window": 128,
    "max_window_layers": 20,
  });
  deepStrictEqual(windowsOf(config), [
    ...new Array(20).fill(null),
    ...new Array(4).fill(128),
  ]);
  const all = await changed("Qwen2.5-0.5B", {
    "use_sliding_window": true,
    "sliding_window": 128,
    "max_window_layers": 0,
  });
  deepStrictEqual(windowsOf(all), new Array(24).fill(128));
});

Deno.test("SmolLM3 without lists rotates three layers of four", async () => {
  const config = await changed("SmolLM3-3B", {
    "no_rope_layers": undefined,
    "layer_types": undefined,
    "num_hidden_layers": 5,
    "use_sliding_window": true,
    "sliding_window": 64,
  });
  const rotates = attentionLayers(config).map(({ rope }) => rope !== null);
  deepStrictEqual(rotates, [true, true, true, false, true]);
  deepStrictEqual(windowsOf(config), [null, null, null, 64, null]);
});

Deno.test("Gemma 3's rotary settings are read from old and new places alike", async () => {
  const stretched = { "rope_type": "linear", factor: 8 };
  const old = await changed("gemma-3-270m", {
    "layer_types": undefined,
    "rope_scaling": stretched,
  });
  const full = { theta: 1e6, scaling: { kind: "linear", factor: 8 } };
  const ropes = [...new Array(5).fill(ROPE), full];
  deepStrictEqual(
    attentionLayers(old).map(({ rope }) => rope),
    [...ropes, ...ropes, ...ropes],
  );
  const renewed = await changed("gemma-3-270m", {
    "rope_theta": undefined,
    "rope_local_base_freq": undefined,
    "rope_parameters": {
      "full_attention": { ...stretched, "rope_theta": 1e6 },
      "sliding_attention": { "rope_type": "default", "rope_theta": 10_000 },
    },
  });
  deepStrictEqual(renewed, old);
});

Deno.test("GPT-NeoX's rotary settings are read from old and new places alike", async () => {
  const old = await changed("pythia-70m", { "rotary_pct": 0.5 });
  const renewed = await changed("pythia-70m", {
    "rotary_emb_base": undefined,
    "rotary_pct": undefined,
    "rope_parameters": {
      "rope_type": "default",
      "rope_theta": 10_000,
      "partial_rotary_factor": 0.5,
    },
  });
  deepStrictEqual(renewed, old);
  strictEqual(old.rope?.size, 32);
});

Deno.test("Phi-3 with LongRoPE has the positions of its first training", async () => {
  const factors = Array.from({ length: 48 }, (_, i) => 1 + i / 100);
  const config = await changed("Phi-3-mini-4k-instruct", {
    "max_position_embeddings": 131_072,
    "rope_scaling": {
      type: "longrope",
      "short_factor": factors,
      "long_factor": factors.map((factor) => 10 * factor),
    },
  });
  strictEqual(config.maxPositions, 4096);
  deepStrictEqual(config.rope?.scaling, {
    kind: "pairs",
    factors,
    amplitude: Math.sqrt(1 + Math.log(32) / Math.log(4096)),
  });
});

Deno.test("Phi-3 with LongRoPE that does not stretch keeps its amplitude", async () => {
  const factors = new Array(48).fill(1);
  const { maxPositions, rope } = await changed("Phi-3-mini-4k-instruct", {
    "max_position_embeddings": 2048,
    "rope_scaling": {
      type: "longrope",
      "short_factor": factors,
      "long_factor": factors,
    },
  });
  strictEqual(maxPositions, 2048);
  deepStrictEqual(rope?.scaling, { kind: "pairs", factors, amplitude: 1 });
});

for (
  const [name, changes, expected] of [
    ["gpt2", { "n_inner": 100 }, { intermediateSize: 100 }],
    [
      "pythia-70m",
      { "attention_bias": false },
      { biases: { qkv: false, o: false, mlp: true } },
    ],
    [
      "starcoder2-3b",
      { "use_bias": false },
      { biases: { qkv: false, o: false, mlp: false } },
    ],
    ["gemma-3-270m", { "query_pre_attn_scalar": 64 }, {
      attentionScale: 1 / 8,
    }],
    ["OLMo-1B-hf", { "rms_norm_eps": 1e-3 }, { normEpsilon: 1e-5 }],
  ] as const
) {
  Deno.test(`${name} with ${JSON.stringify(changes)} is read so`, async () => {
    const config = await changed(name, changes);
    deepStrictEqual({ ...config, ...expected }, config);
  });
}

for (
  const [name, changes, message] of [
    [
      "Phi-3-mini-4k-instruct",
      { "rope_scaling": { type: "longrope", "short_factor": [1, 1.2] } },
      /"rope_scaling.short_factor" is \[1,1.2\], expected 48 numbers above 0/,
    ],
    [
      "gpt2",
      { "scale_attn_by_inverse_layer_idx": true },
      /"scale_attn_by_inverse_layer_idx" is true, expected false/,
    ],
    ["gpt2", { "n_head": 7 }, /"n_head" is 7, expected a divisor of n_embd/],
    ["gpt2", { "activation_function": "relu" }, /"activation_function" is/],
    [
      "gpt2",
      { "quantization_config": { bits: 4 } },
      /"quantization_config" is .*, expected none: quantized weights are not/,
    ],
    [
      "pythia-70m",
      { "rotary_pct": 1.5 },
      /"rotary_pct" is 1.5, expected a share that is even of a head's 64/,
    ],
    [
      "pythia-70m",
      { "rotary_pct": 0.3 },
      /"rotary_pct" is 0.3, expected a share that is even of a head's 64/,
    ],
    [
      "gemma-3-270m",
      { "layer_types": ["full_attention"] },
      /"layer_types" is .*, expected 18 times sliding_attention or full/,
    ],
    [
      "gemma-2-2b",
      { "sliding_window": null },
      /"sliding_window" is null, expected the window of layers that slide/,
    ],
    [
      "gemma-2-2b",
      { "use_bidirectional_attention": true },
      /"use_bidirectional_attention" is true, expected false/,
    ],
    ["OLMo-1B-hf", { "clip_qkv": 8 }, /"clip_qkv" is 8, expected null/],
    [
      "SmolLM3-3B",
      { "no_rope_layers": [1, 2] },
      /"no_rope_layers" is \[1,2\], expected 36 times 0 or 1/,
    ],
    [
      "SmolLM3-3B",
      { "no_rope_layers": new Array(36).fill(2) },
      /"no_rope_layers" is \[2,2,.*, expected 36 times 0 or 1/,
    ],
  ] as const
) {
  Deno.test(`${name} with ${JSON.stringify(changes)} is refused`, () =>
    rejects(changed(name, changes), message));
}
