import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import type { NamedTensor } from "lib/models/weights/safetensors_header.ts";
import { assertFinite, openWeights } from "lib/models/weights/weights.ts";
import {
  putJson,
  putTinyModel,
  tensorsFor,
  withFolder,
} from "../tiny_model.ts";

const SHARDS = ["model-00001-of-00002.safetensors", "b.safetensors"];
const INDEX = "model.safetensors.index.json";

/** A tiny model whose tensors alternate between two files. */
async function putShards(folder: string): Promise<NamedTensor[]> {
  await putTinyModel(folder);
  const tensors = await tensorsFor(folder);
  await Deno.remove(`${folder}/model.safetensors`);
  const weightMap: Record<string, string> = {};
  for (const [which, shard] of SHARDS.entries()) {
    const part = tensors.filter((_, i) => i % 2 === which);
    await writeSafetensors(`${folder}/${shard}`, part);
    for (const { name } of part) weightMap[name] = shard;
  }
  await putJson(`${folder}/${INDEX}`, { "weight_map": weightMap });
  return tensors;
}

Deno.test("one file and its shards hold the same tensors", () =>
  withFolder(async (folder) => {
    const [whole, split] = [`${folder}/whole`, `${folder}/split`];
    await Deno.mkdir(whole);
    await Deno.mkdir(split);
    await putTinyModel(whole);
    const tensors = await putShards(split);
    const one = await openWeights(whole);
    const two = await openWeights(split);
    deepStrictEqual(one.names().sort(), two.names().sort());
    deepStrictEqual(two.files, SHARDS.map((name) => `${split}/${name}`).sort());
    for (const { name, shape, data } of tensors) {
      deepStrictEqual(await one.read(name), data);
      deepStrictEqual(await two.read(name), data);
      const { file = "", begin = 0, end = 0, ...rest } = two.get(name) ?? {};
      deepStrictEqual(rest, { dtype: "F32", shape });
      const bytes = (await Deno.readFile(file)).slice(begin, end);
      deepStrictEqual(new Float32Array(bytes.buffer), data);
    }
    strictEqual(one.get("nothing"), undefined);
    await rejects(one.read("nothing"), /No tensor "nothing" in .*whole/);
  }));

Deno.test("the hash is that of the files' contents in order", () =>
  withFolder(async (folder) => {
    await putShards(folder);
    const weights = await openWeights(folder);
    const hash = createHash("sha256");
    for (const file of weights.files) hash.update(await Deno.readFile(file));
    strictEqual(await weights.hash(), hash.digest("hex"));
  }));

Deno.test("files are real paths where a folder holds links", () =>
  withFolder(async (folder) => {
    await putTinyModel(folder);
    await Deno.rename(`${folder}/model.safetensors`, `${folder}/blob`);
    await Deno.symlink("blob", `${folder}/model.safetensors`);
    const { files } = await openWeights(folder);
    deepStrictEqual(files, [await Deno.realPath(`${folder}/blob`)]);
  }));

Deno.test("a missing folder, file, shard or tensor is named", () =>
  withFolder(async (folder) => {
    await rejects(openWeights(`${folder}/no`), /\/no: no such folder/);
    await rejects(openWeights(folder), /expected model.safetensors or .*index/);
    await putShards(folder);
    const first = `${folder}/${SHARDS[0]}`;
    await writeSafetensors(first, []);
    await rejects(
      openWeights(folder),
      /index.json says that tensor "model.embed_tokens.weight" is in model-0/,
    );
    await Deno.remove(first);
    await rejects(openWeights(folder), /: no file model-00001-of-00002/);
  }));

Deno.test("an index that leads out of the folder is refused", () =>
  withFolder(async (folder) => {
    const path = `${folder}/${INDEX}`;
    for (
      const shard of [
        "../b.safetensors",
        "/etc/b.safetensors",
        "..\\b.safetensors",
        "pytorch_model.bin",
        "..",
        "",
        7,
      ]
    ) {
      await putJson(path, { "weight_map": { w: shard } });
      await rejects(openWeights(folder), /"weight_map" .* without a path/);
    }
    await putJson(path, {});
    await rejects(openWeights(folder), /"weight_map" is missing/);
  }));

Deno.test("shards that lead out of the folder, or are none, are refused", () =>
  withFolder(async (outer) => {
    const folder = `${outer}/model`;
    await Deno.mkdir(folder);
    await putShards(folder);
    const shard = `${folder}/${SHARDS[1]}`;
    await Deno.rename(shard, `${outer}/elsewhere`);
    await Deno.symlink("../elsewhere", shard);
    await rejects(
      openWeights(folder),
      /b.safetensors: expected .*, found a link to .*else/,
    );
    await Deno.remove(shard);
    await Deno.mkdir(shard);
    await rejects(
      openWeights(folder),
      /b.safetensors: expected a file, found a folder/,
    );
    await Deno.remove(shard);
    await Deno.writeFile(shard, new Uint8Array());
    await rejects(openWeights(folder), /b.safetensors: 0 bytes are too few/);
  }));

Deno.test("pickles are refused by name", () =>
  withFolder(async (folder) => {
    for (const name of ["pytorch_model.bin", "model.pt", "model.ckpt"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
      await rejects(
        openWeights(folder),
        new RegExp(`found neither; ${name} is a pickle, which runs code`),
      );
      await Deno.remove(`${folder}/${name}`);
    }
  }));

Deno.test("NaN and infinity in weights are found where they are", () =>
  withFolder(async (folder) => {
    throws(
      () => assertFinite("w", Float32Array.of(0, -Infinity), "a.safetensors"),
      /Tensor "w" of a.safetensors is -Infinity at element 1/,
    );
    await putTinyModel(folder, (tensors) => {
      tensors.find(({ name }) => name === "model.norm.weight")!.data[5] = NaN;
      return tensors;
    });
    const weights = await openWeights(folder);
    await rejects(
      weights.read("model.norm.weight"),
      /"model.norm.weight" of .*model.safetensors is NaN at element 5/,
    );
  }));
