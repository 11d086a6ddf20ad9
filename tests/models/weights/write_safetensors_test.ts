import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { readHeader, readTensor } from "lib/models/weights/safetensors.ts";
import {
  writeSafetensors,
  writeTensors,
} from "lib/models/weights/write_safetensors.ts";
import { shared } from "../../places.ts";
import { withFolder } from "../tiny_model.ts";

const STORIES = shared("models/stories260K/model.safetensors");
const hasStories = await Deno.stat(STORIES).then(() => true, () => false);

Deno.test("tensors that are written are read again, of any shape, in any order", () =>
  withFolder(async (folder) => {
    const path = `${folder}/x.safetensors`;
    // Longer than one chunk of the reader.
    const long = new Float32Array((1 << 20) + 3).map((_, i) => i);
    const tensors = [
      { name: "long", shape: [long.length], data: long },
      { name: "empty", shape: [0, 3], data: new Float32Array(0) },
      { name: "scalar", shape: [], data: Float32Array.of(-0) },
      { name: "part", shape: [2, 1], data: long.subarray(5, 7) },
    ];
    await writeSafetensors(path, tensors, { step: "7" });
    const file = await readHeader(path);
    deepStrictEqual(file.metadata, { step: "7" });
    strictEqual(file.dataOffset % 8, 0);
    for (const { name, shape, data } of tensors) {
      deepStrictEqual(file.tensors.get(name)?.shape, shape);
      deepStrictEqual(await readTensor(file, name), data.slice());
    }
    const bytes = await Deno.readFile(path);
    await writeSafetensors(path, tensors.toReversed(), { step: "7" });
    deepStrictEqual(await Deno.readFile(path), bytes);
    deepStrictEqual(await names(folder), ["x.safetensors"]);
  }));

Deno.test({
  name: "a file of the reference writer is written again byte for byte " +
    "(ignored without ../shared)",
  ignore: !hasStories,
  fn: () =>
    withFolder(async (folder) => {
      const file = await readHeader(STORIES);
      const tensors = [];
      for (const [name, { shape }] of file.tensors) {
        tensors.push({ name, shape, data: await readTensor(file, name) });
      }
      await writeSafetensors(`${folder}/x`, tensors);
      deepStrictEqual(
        await Deno.readFile(`${folder}/x`),
        await Deno.readFile(STORIES),
      );
    }),
});

Deno.test("nothing is written of tensors that do not fit", () =>
  withFolder(async (folder) => {
    const one = { name: "w", shape: [2], data: new Float32Array(2) };
    const path = `${folder}/x`;
    await rejects(writeSafetensors(path, [one, one]), /tensor "w" twice/);
    await rejects(
      writeSafetensors(path, [{ ...one, shape: [3] }]),
      /"w": shape \[3\] needs 3 elements, found 2/,
    );
    await rejects(
      writeSafetensors(`${folder}/none/x`, [one]),
      /Cannot write .*none\/x: /,
    );
    deepStrictEqual(await names(folder), []);
  }));

async function names(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

Deno.test("a tensor is made when those before it are written", () =>
  withFolder(async (folder) => {
    const written = () =>
      [...Deno.readDirSync(folder)].map(({ name }) =>
        Deno.statSync(`${folder}/${name}`).size
      )[0]!;
    const sizes: number[] = [];
    const tensors = ["a", "b", "c"].map((name) => ({
      name,
      shape: [1000],
      read: () => {
        sizes.push(written());
        return Promise.resolve(new Float32Array(1000));
      },
    }));
    await writeTensors(`${folder}/x.safetensors`, tensors, { dtype: "F16" });
    deepStrictEqual(sizes.map((size) => size - sizes[0]!), [0, 2000, 4000]);
    strictEqual(written(), sizes[0]! + 6000);
  }));
