import { rejects } from "node:assert/strict";
import { readAdapter } from "lib/models/adapter/adapter_folder.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import { openModel } from "lib/models/open_model.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { putPair } from "../random_pair.ts";
import { putJson } from "../tiny_model.ts";

const AS_ADAPTER = /: it is an adapter of tiny, expected it as --adapter/;

Deno.test("an adapter in a model's place is told as such, with its model", async () => {
  using root = temporaryFolder();
  const { model, adapter } = await putPair(root.path);
  await rejects(openModel(adapter), AS_ADAPTER);
  await rejects(loadPolicy(adapter, { kind: "full" }), AS_ADAPTER);
  // Some trainers leave the model's configuration beside an adapter.
  await Deno.copyFile(`${model}/config.json`, `${adapter}/config.json`);
  await rejects(openModel(adapter), AS_ADAPTER);
  await putJson(`${adapter}/adapter_config.json`, { "peft_type": "IA3" });
  await rejects(openModel(adapter), /: it is an adapter, expected/);
  // With a model's own weights it is a model.
  await Deno.copyFile(
    `${model}/model.safetensors`,
    `${adapter}/model.safetensors`,
  );
  await openModel(adapter);
});

Deno.test("a model in an adapter's place is told as such", async () => {
  using root = temporaryFolder();
  const { model } = await putPair(root.path);
  const told =
    /Cannot use \S+ as an adapter: it is a model, expected it as --model/;
  await rejects(readAdapter(model), told);
  await rejects(
    readAdapter(`${model}/config.json`),
    /as an adapter: it is a file, expected a folder with adapter_config.json/,
  );
  await rejects(loadPolicy(model, { kind: "adapter", folder: model }), told);
});

Deno.test("an adapter by mlx-lm is told as such in either place", async () => {
  using root = temporaryFolder();
  const folder = root.path;
  await putJson(`${folder}/adapter_config.json`, {
    "fine_tune_type": "lora",
    "model": "mlx-community/Some-Model-4bit",
    "num_layers": 16,
    "lora_parameters": { "rank": 8, "dropout": 0, "scale": 20 },
  });
  for (const name of ["adapters", "0000100_adapters"]) {
    const path = `${folder}/${name}.safetensors`;
    await writeSafetensors(path, []);
    await rejects(
      readAdapter(folder),
      /: it is an adapter by mlx-lm, expected PEFT's layout/,
    );
    await rejects(
      openModel(folder),
      /: it is an adapter of mlx-community\/Some-Model-4bit, expected/,
    );
    await Deno.remove(path);
  }
});
