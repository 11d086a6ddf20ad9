import { deepStrictEqual, throws } from "node:assert/strict";
import { LLAMA_NAMES } from "lib/models/config.ts";
import {
  resolveTargets,
  targetModules,
} from "lib/models/adapter/lora_targets.ts";
import { SMALL } from "../random_decoder.ts";

Deno.test("targets are found by name, in forward order", () => {
  const layer = (i: number, modules: string[]) =>
    modules.map((module) => `model.layers.${i}.${module}.weight`);
  const modules = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
  ];
  deepStrictEqual(
    resolveTargets({ ...SMALL, tiedHead: false }, "all-linear"),
    [...layer(0, modules), ...layer(1, modules)],
  );
  const some = ["self_attn.q_proj", "mlp.up_proj"];
  deepStrictEqual(
    resolveTargets(SMALL, ["up_proj", "q_proj", "self_attn.q_proj"]),
    [...layer(0, some), ...layer(1, some)],
  );
  deepStrictEqual(
    resolveTargets(SMALL, ["model.layers.1.mlp.up_proj"]),
    layer(1, ["mlp.up_proj"]),
  );
});

Deno.test("an unknown target is refused with the known ones", () => {
  for (const target of ["proj", "c_attn", "head", ""]) {
    throws(
      () => resolveTargets(SMALL, ["q_proj", target]),
      new RegExp(`target "${target}": expected all-linear .*q_proj, k_proj`),
    );
  }
});

Deno.test("embedding and head are refused as what they are", () => {
  for (const target of ["lm_head", "embed_tokens", "model.embed_tokens"]) {
    throws(
      () => resolveTargets(SMALL, ["q_proj", target]),
      new RegExp(`LoRA is not trained on "${target}": expected all-linear or`),
    );
  }
});

Deno.test("weights are named by their last parts, or by whole paths", () => {
  const all = resolveTargets(SMALL, ["q_proj", "up_proj"]);
  deepStrictEqual(targetModules(SMALL, all), ["q_proj", "up_proj"]);
  deepStrictEqual(targetModules(SMALL, all.slice(0, 3)), [
    "model.layers.0.self_attn.q_proj",
    "model.layers.0.mlp.up_proj",
    "model.layers.1.self_attn.q_proj",
  ]);
  // Both of a block's c_proj have this name.
  const gpt2 = {
    ...SMALL,
    names: {
      ...LLAMA_NAMES,
      attentionOutput: "attn.c_proj",
      down: "mlp.c_proj",
    },
  };
  const some = resolveTargets(gpt2, ["attn.c_proj"]);
  deepStrictEqual(targetModules(gpt2, some), [
    "model.layers.0.attn.c_proj",
    "model.layers.1.attn.c_proj",
  ]);
});
