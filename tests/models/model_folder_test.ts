import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { openModel } from "lib/models/open_model.ts";
import { writeModelFolder } from "lib/models/model_folder.ts";
import { inMemory } from "lib/models/weights/write_safetensors.ts";
import {
  putJson,
  putTinyModel,
  tensorsFor,
  TINY,
  withFolder,
} from "./tiny_model.ts";

Deno.test("a model folder is written with its tokenizer and new weights", () =>
  withFolder(async (root) => {
    const [from, out] = [`${root}/from`, `${root}/out`];
    await Deno.mkdir(from);
    await putTinyModel(from);
    await putJson(`${from}/config.json`, { ...TINY, dtype: "bfloat16" });
    await putJson(`${from}/tokenizer.json`, { version: "1.0" });
    await putJson(`${from}/training_args.json`, {});
    const tensors = await tensorsFor(from);
    for (const { data } of tensors) data.forEach((x, i) => data[i] = -x);
    await writeModelFolder(out, { from, tensors: tensors.map(inMemory) });

    const entries = await Array.fromAsync(Deno.readDir(out));
    deepStrictEqual(
      entries.map(({ name }) => name).sort(),
      ["config.json", "model.safetensors", "tokenizer.json"],
    );
    strictEqual(
      await Deno.readTextFile(`${out}/tokenizer.json`),
      await Deno.readTextFile(`${from}/tokenizer.json`),
    );
    deepStrictEqual(
      JSON.parse(await Deno.readTextFile(`${out}/config.json`)),
      { ...TINY, "torch_dtype": "float32" },
    );
    const { weights } = await openModel(out);
    for (const { name, data } of tensors) {
      deepStrictEqual(await weights.read(name), data);
    }
  }));

Deno.test("a model folder is written with its named chat templates", () =>
  withFolder(async (root) => {
    const [from, out] = [`${root}/from`, `${root}/out`];
    const folder = `${from}/additional_chat_templates`;
    await Deno.mkdir(folder, { recursive: true });
    await putTinyModel(from);
    await Deno.writeTextFile(`${folder}/tool_use.jinja`, "{{ tools }}\r\n");
    await Deno.writeTextFile(`${folder}/rag.jinja`, "{{ documents }}");
    await Deno.writeTextFile(`${folder}/code.py`, "print()");
    const tensors = (await tensorsFor(from)).map(inMemory);
    for (let again = 0; again < 2; again++) {
      await writeModelFolder(out, { from, tensors });
      const copied = `${out}/additional_chat_templates`;
      const entries = await Array.fromAsync(Deno.readDir(copied));
      const names = entries.map(({ name }) => name).sort();
      deepStrictEqual(names, ["rag.jinja", "tool_use.jinja"]);
      const template = await Deno.readTextFile(`${copied}/tool_use.jinja`);
      strictEqual(template, "{{ tools }}\r\n");
    }
    await Deno.symlink(`${root}/secret`, `${folder}/secret.jinja`);
    await Deno.writeTextFile(`${root}/secret`, "");
    await rejects(
      writeModelFolder(out, { from, tensors }),
      /Cannot use .*secret.jinja: expected .*, found a link to .*secret/,
    );
  }));

Deno.test("nothing is written of a model that cannot be", () =>
  withFolder(async (root) => {
    const [from, out] = [`${root}/from`, `${root}/out`];
    await rejects(
      writeModelFolder(out, { from, tensors: [] }),
      /from\/config.json: No such file/,
    );
    await Deno.mkdir(from);
    await putTinyModel(from);
    const [first] = await tensorsFor(from);
    const misshapen = inMemory({ ...first!, shape: [7] });
    await rejects(
      writeModelFolder(out, { from, tensors: [misshapen] }),
      /Cannot write .*shape \[7\] needs 7 elements/,
    );
    const entries = await Array.fromAsync(Deno.readDir(root));
    deepStrictEqual(entries.map(({ name }) => name), ["from"]);
  }));

Deno.test("a tokenizer that is a link to elsewhere is not copied", () =>
  withFolder(async (root) => {
    const [from, out] = [`${root}/from`, `${root}/out`];
    await Deno.mkdir(from);
    await putTinyModel(from);
    await putJson(`${root}/secret.json`, {});
    await Deno.symlink(`${root}/secret.json`, `${from}/tokenizer.json`);
    const tensors = (await tensorsFor(from)).map(inMemory);
    await rejects(
      writeModelFolder(out, { from, tensors }),
      /Cannot copy .*tokenizer.json: expected .*, found a link to .*secret.json/,
    );
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  }));
