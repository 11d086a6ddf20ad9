import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { openTensors } from "lib/models/open_model.ts";
import { readHeader } from "lib/models/weights/safetensors.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { provenance } from "lib/record/environment.ts";
import { sha256File } from "lib/record/sha256.ts";
import { type TinyTraining, tinyTraining } from "./tiny_training.ts";
import { runInTurn } from "./run_in_turn.ts";

const run = (cwd: string, args: readonly string[]) =>
  runInTurn("export", args, { cwd });

/** A short training run, in the folder `run`. */
async function withRun(
  use: (training: TinyTraining) => Promise<void>,
): Promise<void> {
  await using training = await tinyTraining();
  const { model, pairs } = training;
  const { code, err } = await training.run("train", [
    ...["--model", model, "--data", pairs, "--loss", "dpo", "--lr", "0.01"],
    ...["--out", "run", "--steps", "2"],
  ]);
  strictEqual(code, 0, err);
  await use(training);
}

Deno.test("export merges the adapter of a run into its model, and says from what", () =>
  withRun(async ({ path, model }) => {
    const args = ["run", "--base", model, "--out", "out"];
    const sizes = ["--shard-size", "1KB", "--dtype", "bfloat16"];
    const { code, out, err } = await run(path, [...args, ...sizes]);
    strictEqual(code, 0, err);
    strictEqual(out, "Wrote out\n");
    const adapter = join(path, "run/adapter");
    const expected = await openTensors(model, { adapter });
    const found = await openWeights(join(path, "out"));
    strictEqual(found.files.length > 1, true);
    deepStrictEqual(
      found.names().sort(),
      expected.tensors.map(({ name }) => name).sort(),
    );
    const text = await Deno.readTextFile(join(path, "out/export.json"));
    deepStrictEqual(JSON.parse(text), {
      schemaVersion: 1,
      kind: "export",
      dtype: "bfloat16",
      layout: "transformers",
      model: { source: "model", weights: await expected.weights.hash() },
      adapter: {
        source: "adapter",
        weights: await sha256File(join(adapter, "adapter_model.safetensors")),
        trainedOver: "float32",
      },
      provenance: await provenance(),
    });
    // The same once more takes the place of the first.
    strictEqual((await run(path, [...args, ...sizes])).code, 0);
  }));

Deno.test("export --onnx writes the files that transformers.js looks for", () =>
  withRun(async ({ path, model }) => {
    const { code, err } = await run(path, [
      ...["run", "--base", model, "--onnx", "--out", "new/out"],
    ]);
    strictEqual(code, 0, err);
    const file = join(path, "new/out/onnx/model.onnx_data");
    const { tensors } = await readHeader(file);
    const adapter = join(path, "run/adapter");
    const expected = await openTensors(model, { adapter });
    strictEqual(tensors.size, expected.tensors.length);
    const config = await Deno.readTextFile(join(path, "new/out/config.json"));
    deepStrictEqual(JSON.parse(config)["transformers.js_config"], {
      "dtype": "fp32",
      "use_external_data_format": { "model.onnx": 1 },
    });
  }));

Deno.test("export refuses another base, a folder of others, and a wrong size", () =>
  withRun(async ({ path, model }) => {
    const base = join(path, "moved");
    await Deno.rename(model, base);
    const weights = join(base, "model.safetensors");
    const refused = async (args: string[], message: RegExp, status = 1) => {
      const { code, out, err } = await run(path, args);
      match(err, message);
      match(err, /^error: [^\n]*\n$/m);
      strictEqual(out, "");
      strictEqual(code, status);
    };
    await refused(
      ["run", "--out", "out"],
      /Cannot find the model or adapter "model".*; give --base, the path where it lies now/,
    );
    await refused(
      [base, "--out", "run"],
      /Cannot export to run: it holds "adapter" and no export.json/,
    );
    await refused(
      ["run", "--out", "out", "--shard-size", "5X"],
      /--shard-size/,
      2,
    );
    await refused(
      ["run", "--out", "out", "--shard-size", "5MB", "--onnx"],
      /Cannot use --shard-size with --onnx/,
      2,
    );
    const bytes = await Deno.readFile(weights);
    bytes[bytes.length - 2]! ^= 1;
    await Deno.writeFile(weights, bytes);
    await refused(
      ["run", "--base", base, "--out", "out"],
      /Cannot merge run\/adapter: it was trained on weights \w+…, those of /,
    );
    const names = [...Deno.readDirSync(path)].map(({ name }) => name);
    strictEqual(names.includes("out"), false);
  }));
