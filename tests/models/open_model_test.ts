import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { openModel } from "lib/models/open_model.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { writeSafetensors } from "lib/models/weights/safetensors.ts";
import { shared } from "../places.ts";
import {
  putJson,
  putTinyModel,
  tensorsFor,
  TINY,
  withFolder,
} from "./tiny_model.ts";

const STORIES = shared("models/stories260K");
const hasStories = await Deno.stat(STORIES).then(() => true, () => false);

const GPT2 = {
  "model_type": "gpt2",
  "vocab_size": 11,
  "n_embd": 8,
  "n_head": 2,
  "n_layer": 1,
};
const NEOX = {
  "model_type": "gpt_neox",
  "vocab_size": 11,
  "hidden_size": 16,
  "intermediate_size": 6,
  "num_attention_heads": 2,
  "num_hidden_layers": 1,
};

Deno.test("layers without number are refused before any is made", () =>
  withFolder(async (folder) => {
    await putTinyModel(folder);
    await putJson(`${folder}/config.json`, {
      ...TINY,
      "num_hidden_layers": 1e9,
    });
    await rejects(
      openModel(folder),
      /config.json: field "num_hidden_layers" is 1000000000, expected at most/,
    );
  }));

Deno.test("a tensor of another shape is refused with both shapes", () =>
  withFolder(async (folder) => {
    await putTinyModel(
      folder,
      (tensors) =>
        tensors.map((tensor) =>
          tensor.name === "model.layers.1.self_attn.k_proj.weight"
            ? { ...tensor, shape: [8, 4] }
            : tensor
        ),
    );
    await rejects(
      openModel(folder),
      /"model.layers.1.self_attn.k_proj.weight" of .*model.safetensors: expected shape \[4,8\].*found \[8,4\]/,
    );
  }));

Deno.test("a tensor too few or too many is refused by name", () =>
  withFolder(async (folder) => {
    await putTinyModel(folder, (tensors) => tensors.slice(1));
    await rejects(
      openModel(folder),
      /embed_tokens.*expected shape \[11,8\].*found no such tensor/,
    );
    const bias = {
      name: "model.layers.0.self_attn.q_proj.bias",
      shape: [8],
      data: new Float32Array(8),
    };
    await putTinyModel(folder, (tensors) => [...tensors, bias]);
    await rejects(
      openModel(folder),
      /Unknown tensor "model.layers.0.self_attn.q_proj.bias" in .*safetensors/,
    );
  }));

for (
  const [fields, rename] of [
    [GPT2, (name: string) => name.replace("transformer.", "")],
    [NEOX, (name: string) => name.replace("embed_out", "lm_head")],
  ] as const
) {
  Deno.test(`weights of ${fields.model_type} are found by their other names`, () =>
    withFolder(async (folder) => {
      await putJson(`${folder}/config.json`, fields);
      const tensors = await tensorsFor(folder);
      const masks = ["h.0.attn", "gpt_neox.layers.0.attention"]
        .flatMap((name) => [`${name}.bias`, `${name}.masked_bias`])
        .map((name) => ({ name, shape: [1], data: new Float32Array(1) }));
      const renamed = tensors.map((tensor) => ({
        ...tensor,
        name: rename(tensor.name),
      }));
      await writeSafetensors(`${folder}/model.safetensors`, [
        ...renamed,
        ...masks,
      ]);
      const { weights } = await openModel(folder);
      for (const { name, data } of tensors) {
        deepStrictEqual(await weights.read(name), data);
        strictEqual(weights.get(name)?.dtype, "F32");
      }
    }));
}

Deno.test("a tensor that no name leads to is named as the model has it", () =>
  withFolder(async (folder) => {
    await putJson(`${folder}/config.json`, GPT2);
    const tensors = await tensorsFor(folder);
    await writeSafetensors(`${folder}/model.safetensors`, tensors.slice(1));
    await rejects(
      openModel(folder),
      /"transformer.wte.weight" of .*found no such tensor/,
    );
  }));

Deno.test("a stored copy of a tied head and of frequencies is passed over", () =>
  withFolder(async (folder) => {
    const extra = [
      "lm_head.weight",
      "model.layers.0.self_attn.rotary_emb.inv_freq",
    ].map((name) => ({ name, shape: [1], data: new Float32Array(1) }));
    await putTinyModel(folder, (tensors) => [...tensors, ...extra]);
    await openModel(folder);
  }));

Deno.test({
  name: "stories260K's weights are those of its configuration " +
    "(ignored without ../shared)",
  ignore: !hasStories,
  fn: async () => {
    const { config, weights } = await openModel(STORIES);
    const sizes = await Promise.all(
      parameterNames(config).map(({ name }) => weights.read(name)),
    );
    strictEqual(sizes.reduce((sum, { length }) => sum + length, 0), 260_032);
  },
});
