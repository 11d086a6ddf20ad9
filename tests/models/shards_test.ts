import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { shardIndex, splitShards } from "lib/models/model_folder.ts";
import { inMemory } from "lib/models/weights/write_safetensors.ts";

const tensor = (name: string, size: number) =>
  inMemory({ name, shape: [size], data: new Float32Array(size) });
const TENSORS = [
  tensor("c", 9),
  tensor("a", 2),
  tensor("b", 2),
  tensor("d", 1),
];

const namesOf = (shardBytes: number, dtype: "F32" | "F16") =>
  splitShards(TENSORS, { dtype, shardBytes }).map(({ file, tensors }) => [
    file,
    tensors.map(({ name }) => name).join(""),
  ]);

Deno.test("files take tensors by name while they fit, and a large one alone", () => {
  deepStrictEqual(namesOf(16, "F32"), [
    ["model-00001-of-00003.safetensors", "ab"],
    ["model-00002-of-00003.safetensors", "c"],
    ["model-00003-of-00003.safetensors", "d"],
  ]);
  deepStrictEqual(namesOf(15, "F32").length, 4);
  deepStrictEqual(namesOf(1, "F32").map(([, names]) => names), [..."abcd"]);
  deepStrictEqual(namesOf(26, "F16"), [
    ["model-00001-of-00002.safetensors", "abc"],
    ["model-00002-of-00002.safetensors", "d"],
  ]);
});

Deno.test("a single file has no number", () => {
  const [shard, ...more] = splitShards(TENSORS, {
    dtype: "F32",
    shardBytes: 56,
  });
  strictEqual(shard!.file, "model.safetensors");
  strictEqual(more.length, 0);
});

Deno.test("the index says where each tensor is, and how much all take", () => {
  const shards = splitShards(TENSORS, { dtype: "F16", shardBytes: 26 });
  deepStrictEqual(shardIndex(shards, "F16"), {
    "metadata": { "total_parameters": 14, "total_size": 28 },
    "weight_map": {
      a: "model-00001-of-00002.safetensors",
      b: "model-00001-of-00002.safetensors",
      c: "model-00001-of-00002.safetensors",
      d: "model-00002-of-00002.safetensors",
    },
  });
});
