import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { openTensors } from "lib/models/open_model.ts";
import {
  MODEL_DTYPES,
  type ModelDtype,
  writeModelFolder,
} from "lib/models/model_folder.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { openPolicy } from "lib/run/models.ts";
import { assertClose } from "../assert_close.ts";
import { randomized } from "../scripts/tiny_training.ts";
import { putPair } from "./random_pair.ts";
import {
  putJson,
  putTinyModel,
  tensorsFor,
  TINY,
  withFolder,
} from "./tiny_model.ts";

async function score(model: string, adapter?: string): Promise<number[]> {
  const { policy } = await openPolicy(model, adapter);
  const forward = new ForwardPass({ policy });
  const parameters = Object.fromEntries(
    policy.trained.map(({ name, shape }) => [
      name,
      { data: policy.initial.get(name)!, shape },
    ]),
  );
  const rows = [{ prompt: [1, 5], completions: [[3, 9, 2], [0, 10, 4, 4]] }];
  const tokens = await forward.tokenLogProbs(rows, { parameters });
  await forward.release();
  return tokens.flat(2);
}

Deno.test("a merged model scores as base and adapter do, in one file or in shards", () =>
  withFolder(async (root) => {
    const { model, adapter } = await putPair(root);
    const expected = await score(model, adapter);
    const { tensors } = await openTensors(model, { adapter });
    for (const shardBytes of [Infinity, 1000, 1]) {
      const out = `${root}/merged-${shardBytes}`;
      await writeModelFolder(out, { from: model, tensors, shardBytes });
      const { files } = await openWeights(out);
      strictEqual(files.length > 1, shardBytes < Infinity);
      assertClose(await score(out), expected, { tolerance: 1e-5 });
    }
  }));

/** A number after rounding to each type. */
const ROUNDED: Readonly<Record<ModelDtype, (x: number) => number>> = {
  float32: Math.fround,
  float16: (x) => Float16Array.of(x)[0]!,
  // Adding and taking away a number 2¹⁶ times as large drops 16 bits.
  bfloat16: (x) => {
    const large = Math.fround(x * (2 ** 16 + 1));
    return Math.fround(large - Math.fround(large - x));
  },
};

for (const dtype of MODEL_DTYPES) {
  Deno.test(`a merged model in ${dtype} is W + α/r · BA, rounded`, () =>
    withFolder(async (root) => {
      const { model, adapter } = await putPair(root);
      const out = `${root}/out`;
      const { tensors } = await openTensors(model, { adapter });
      await writeModelFolder(out, { from: model, tensors, dtype });
      const weights = await openWeights(out);
      deepStrictEqual(
        weights.names().sort(),
        tensors.map((t) => t.name).sort(),
      );
      for (const { name, shape, read } of tensors) {
        deepStrictEqual(weights.get(name)!.shape, shape);
        deepStrictEqual(
          await weights.read(name),
          (await read()).map(ROUNDED[dtype]),
        );
      }
      const config = JSON.parse(await Deno.readTextFile(`${out}/config.json`));
      strictEqual(config["torch_dtype"], dtype);
      assertClose(await score(out), await score(model, adapter), {
        tolerance: { float32: 1e-5, float16: 1e-2, bfloat16: 5e-2 }[dtype],
      });
    }));
}

Deno.test("a tied head stays tied, though a copy of it is stored", () =>
  withFolder(async (root) => {
    const { model } = await putPair(root);
    await putTinyModel(model, (tensors) => {
      const drawn = randomized(tensors);
      return [...drawn, { ...drawn[0]!, name: "lm_head.weight" }];
    });
    const out = `${root}/out`;
    const { tensors } = await openTensors(model);
    await writeModelFolder(out, { from: model, tensors });
    strictEqual((await openWeights(out)).get("lm_head.weight"), undefined);
    deepStrictEqual(await score(out), await score(model));
  }));

Deno.test("numbers beyond float16 are refused by name, and nothing is written", () =>
  withFolder(async (root) => {
    const { model } = await putPair(root);
    await putTinyModel(
      model,
      (tensors) => {
        tensors[3]!.data[7] = 1e5;
        return tensors;
      },
    );
    const { tensors } = await openTensors(model);
    const { name } = tensors[3]!;
    const out = `${root}/out`;
    await rejects(
      writeModelFolder(out, { from: model, tensors, dtype: "float16" }),
      new RegExp(
        `Cannot write tensor "${name}": element 7 is 100000, expected numbers within ±65504`,
      ),
    );
    await rejects(Deno.stat(out), Deno.errors.NotFound);
  }));

Deno.test("an adapter that does not fit is refused by the weight it changes", () =>
  withFolder(async (root) => {
    const { adapter } = await putPair(root);
    const other = `${root}/other`;
    await Deno.mkdir(other);
    const shallow = Object.fromEntries([["num_hidden_layers", 1]]);
    await putJson(`${other}/config.json`, { ...TINY, ...shallow });
    await writeSafetensors(
      `${other}/model.safetensors`,
      await tensorsFor(other),
    );
    await rejects(
      openTensors(other, { adapter }),
      /does not fit the model: it changes "model.layers.1\./,
    );
  }));
