import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { writeModelFolder } from "lib/models/model_folder.ts";
import { openModel, openTensors } from "lib/models/open_model.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import type { NamedTensor } from "lib/models/weights/safetensors_header.ts";
import { shared } from "../places.ts";
import { putStored } from "./put_stored.ts";
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

Deno.test("stored frequencies are passed over", () =>
  withFolder(async (folder) => {
    const name = "model.layers.0.self_attn.rotary_emb.inv_freq";
    const extra = { name, shape: [1], data: new Float32Array(1) };
    await putTinyModel(folder, (tensors) => [...tensors, extra]);
    await openModel(folder);
  }));

const GEMMA = {
  ...TINY,
  "model_type": "gemma",
  "head_dim": 4,
  "hidden_activation": "gelu_pytorch_tanh",
};

for (
  const [fields, head] of [
    [TINY, "lm_head"],
    [GEMMA, "lm_head"],
    [GPT2, "lm_head"],
    [{ ...NEOX, "tie_word_embeddings": true }, "embed_out"],
    [{ ...NEOX, "tie_word_embeddings": true }, "lm_head"],
  ] as const
) {
  const model = fields.model_type;
  Deno.test(`${model}'s ${head} counts beside a tied embedding where it differs, and is kept`, () =>
    withFolder(async (folder) => {
      await putJson(`${folder}/config.json`, fields);
      const tensors = await tensorsFor(folder);
      const [embedding] = tensors;
      const tied = { ...embedding!, name: `${head}.weight` };
      const put = (...extra: NamedTensor[]) =>
        writeSafetensors(`${folder}/model.safetensors`, [...tensors, ...extra]);
      const exported = async () => {
        const out = `${folder}/out`;
        const { tensors } = await openTensors(folder);
        await writeModelFolder(out, { from: folder, tensors });
        return await openModel(out);
      };
      await put(tied);
      strictEqual((await openModel(folder)).config.tiedHead, true);
      strictEqual((await exported()).config.tiedHead, true);
      for (const at of [0, tied.data.length - 1]) {
        const data = tied.data.with(at, 7.5);
        await put({ ...tied, data });
        for (
          const { config, weights } of [
            await openModel(folder),
            await exported(),
          ]
        ) {
          strictEqual(config.tiedHead, false);
          const { name } = parameterNames(config).at(-1)!;
          deepStrictEqual(await weights.read(name), data);
        }
      }
      await put({ ...tied, shape: [1, 8], data: new Float32Array(8) });
      await rejects(openModel(folder), /expected shape .*, found \[1,8\]/);
    }));
}

Deno.test("a tied head of another type is compared by its values", () =>
  withFolder(async (folder) => {
    await putTinyModel(folder);
    const tensors = await tensorsFor(folder);
    const embedding = { ...tensors[0]!, name: "lm_head.weight" };
    for (const dtype of ["F64", "F16"] as const) {
      for (const [more, tiedHead] of [[0, true], [1, false]] as const) {
        const data = embedding.data.map((x) => x + more);
        await putStored(`${folder}/model.safetensors`, [
          ...tensors.map((tensor) => ({ ...tensor, dtype: "F32" as const })),
          { ...embedding, data, dtype },
        ]);
        strictEqual((await openModel(folder)).config.tiedHead, tiedHead);
      }
    }
  }));

Deno.test("a tied embedding may be stored under the head's name", () =>
  withFolder(async (folder) => {
    await putTinyModel(folder, ([embedding, ...others]) => [
      { ...embedding!, name: "lm_head.weight" },
      ...others,
    ]);
    const { config, weights } = await openModel(folder);
    strictEqual(config.tiedHead, true);
    const [embedding] = await tensorsFor(folder);
    deepStrictEqual(await weights.read(embedding!.name), embedding!.data);
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
