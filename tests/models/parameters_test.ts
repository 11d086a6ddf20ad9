import { deepStrictEqual } from "node:assert/strict";
import type { DecoderConfig } from "lib/models/config.ts";
import { linearParameters, parameterNames } from "lib/models/parameters.ts";
import hub from "../fixtures/hub_configs.json" with { type: "json" };
import { configOf } from "./config_of.ts";
import { TINY } from "./tiny_model.ts";

Deno.test("parameters come in forward order, the head only if it is untied", async () => {
  const config = await configOf({
    ...TINY,
    "head_dim": 6,
    "num_hidden_layers": 1,
  });
  const listed = (config: DecoderConfig) =>
    parameterNames(config).map(({ name, shape }) => `${name} ${shape}`);
  const tied = [
    "model.embed_tokens.weight 11,8",
    "model.layers.0.input_layernorm.weight 8",
    "model.layers.0.self_attn.q_proj.weight 12,8",
    "model.layers.0.self_attn.k_proj.weight 6,8",
    "model.layers.0.self_attn.v_proj.weight 6,8",
    "model.layers.0.self_attn.o_proj.weight 8,12",
    "model.layers.0.post_attention_layernorm.weight 8",
    "model.layers.0.mlp.gate_proj.weight 6,8",
    "model.layers.0.mlp.up_proj.weight 6,8",
    "model.layers.0.mlp.down_proj.weight 8,6",
    "model.norm.weight 8",
  ];
  deepStrictEqual(listed(config), tied);
  deepStrictEqual(
    listed({ ...config, tiedHead: false }),
    [...tied, "lm_head.weight 11,8"],
  );
});

Deno.test("linear layers are listed as outputs by inputs, however stored", async () => {
  const config = await configOf({ ...hub["gpt2"].config, "n_layer": 1 });
  const stored = new Map(
    parameterNames(config).map(({ name, shape }) => [name, shape]),
  );
  deepStrictEqual(linearParameters(config), [
    { name: "transformer.h.0.attn.c_attn.weight", shape: [2304, 768] },
    { name: "transformer.h.0.attn.c_proj.weight", shape: [768, 768] },
    { name: "transformer.h.0.mlp.c_fc.weight", shape: [3072, 768] },
    { name: "transformer.h.0.mlp.c_proj.weight", shape: [768, 3072] },
  ]);
  deepStrictEqual(stored.get("transformer.h.0.attn.c_attn.weight"), [
    768,
    2304,
  ]);
  deepStrictEqual(stored.get("transformer.h.0.attn.c_attn.bias"), [2304]);
});
