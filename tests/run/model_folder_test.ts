import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readRecord } from "lib/record/record.ts";
import { sha256File } from "lib/record/sha256.ts";
import { ggufFile } from "../models/gguf/fixture.ts";
import { tinyTraining } from "../scripts/tiny_training.ts";

Deno.test("a GGUF file is trained as the model that it is, and recorded", async () => {
  await using tiny = await tinyTraining();
  const model = `${tiny.path}/tiny.gguf`;
  await Deno.copyFile(ggufFile("llama"), model);
  const out = `${tiny.path}/run`;
  const { code, err } = await tiny.run("train", [
    ...["--model", model, "--data", tiny.pairs, "--loss", "dpo"],
    ...["--steps", "1", "--out", out],
  ]);
  strictEqual(code, 0, err);
  const record = await readRecord(`${out}/run.json`);
  const gguf = await sha256File(model);
  strictEqual(record.model.source, "tiny.gguf");
  strictEqual(record.model.gguf, gguf);
  const [folder] = Deno.readDirSync(`${tiny.path}/cache/prefgrad/gguf`);
  strictEqual(folder!.name, `${gguf}-1`);
  const adapter = JSON.parse(
    await Deno.readTextFile(`${out}/adapter/adapter_config.json`),
  );
  // PEFT loads the folder that the file was converted to.
  strictEqual(
    adapter["base_model_name_or_path"],
    `${tiny.path}/cache/prefgrad/gguf/${folder!.name}`,
  );
});

Deno.test("an adapter says where its model lies, and the record does not", async () => {
  await using tiny = await tinyTraining();
  for (const model of ["model", "./model/", `${tiny.path}/model`]) {
    const out = `${tiny.path}/run-${model.length}`;
    const { code, err } = await tiny.run("train", [
      ...["--model", model, "--data", tiny.pairs, "--loss", "dpo"],
      ...["--steps", "1", "--out", out],
    ]);
    strictEqual(code, 0, err);
    const path = `${out}/adapter/adapter_config.json`;
    const adapter = JSON.parse(await Deno.readTextFile(path));
    const [base, revision] = [
      adapter["base_model_name_or_path"],
      adapter["revision"],
    ];
    deepStrictEqual([base, revision], [`${tiny.path}/model`, null]);
    const record = await Deno.readTextFile(`${out}/run.json`);
    ok(!record.includes(tiny.path));
  }
});

Deno.test("what a GGUF file lacks is said of the file, not of a folder in the cache", async () => {
  await using tiny = await tinyTraining();
  const { code, err } = await tiny.run("generate", [
    ...["--model", ggufFile("llama"), "--prompt", "a"],
  ]);
  strictEqual(code, 1);
  match(err, /Cannot generate text with \S+\.gguf: it has no tokenizer$/m);
});

Deno.test("what is no GGUF file by its content is refused in a line", async () => {
  await using tiny = await tinyTraining();
  const model = `${tiny.path}/x.gguf`;
  await Deno.writeTextFile(model, "GGML, of another kind");
  const { code, out, err } = await tiny.run("evaluate", [
    ...["--model", model, "--data", tiny.pairs],
  ]);
  deepStrictEqual([code, out], [1, ""]);
  match(err, /Cannot read .*x\.gguf: it is no GGUF file: it does not begin/);
});
