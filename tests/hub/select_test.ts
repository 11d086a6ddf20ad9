import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { dataFiles, ggufFile, modelFiles } from "lib/hub/select.ts";

Deno.test("modelFiles() takes a model's files and nothing that could be code", () => {
  const wanted = [
    "additional_chat_templates/tool_use.jinja",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ];
  const others = [
    "README.md",
    "additional_chat_templates/old/tool_use.jinja",
    "additional_chat_templates/tool_use.py",
    "chat_template.py",
    "templates/tool_use.jinja",
    "consolidated.safetensors",
    "modeling_llama.py",
    "onnx/model.onnx",
    "original/model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tokenizer.model",
    "tokenizer.py",
    "training_args.bin",
  ];
  deepStrictEqual(modelFiles([...others, ...wanted], "it"), wanted);
});

Deno.test("modelFiles() takes a folder with an adapter alone", () => {
  const paths = ["adapter_config.json", "adapter_model.safetensors"];
  deepStrictEqual(modelFiles(paths, "it"), paths);
});

Deno.test("modelFiles() names the missing file and those that are there", () => {
  throws(() => modelFiles(["config.json", "pytorch_model.bin"], "the model"), {
    message:
      "Cannot find weights in the model: expected *.safetensors, it has config.json, pytorch_model.bin",
  });
  throws(() => modelFiles([], "the model"), {
    message:
      "Cannot find config.json or adapter_config.json in the model: it has no files",
  });
});

Deno.test("modelFiles() takes a tokenizer without the weights", () => {
  const wanted = [
    "additional_chat_templates/rag.jinja",
    "chat_template.jinja",
    "config.json",
    "tokenizer.json",
  ];
  const weights = ["model.safetensors", "model.safetensors.index.json"];
  const paths = [...weights, ...wanted];
  deepStrictEqual(modelFiles(paths, "it", { only: "tokenizer" }), wanted);
  throws(
    () => modelFiles(["config.json"], "the model", { only: "tokenizer" }),
    { message: "Cannot find tokenizer.json in the model: it has config.json" },
  );
});

Deno.test("ggufFile() takes a path, or the beginning of a word of one", () => {
  const paths = [
    "Q4_0.gguf",
    "a-Q4_0.gguf",
    "b/a-Q4_K_M.gguf",
    "Q8.safetensors",
  ];
  const found = (part: string) => ggufFile(paths, "the model", { part });
  strictEqual(found("Q4_0.gguf"), "Q4_0.gguf");
  strictEqual(found("a-Q4_0.gguf"), "a-Q4_0.gguf");
  strictEqual(found("q4_k_m"), "b/a-Q4_K_M.gguf");
  throws(() => found("Q4"), {
    message:
      'Cannot tell which file of the model is "Q4": it has Q4_0.gguf, a-Q4_0.gguf, b/a-Q4_K_M.gguf',
  });
  throws(() => found("Q8"), {
    message:
      'Cannot find "Q8" in the model: expected a .gguf file, it has Q4_0.gguf, a-Q4_0.gguf, b/a-Q4_K_M.gguf',
  });
});

const PAIRS = [
  ".cache/train.json",
  "README.md",
  "dataset_infos.json",
  "harmless/test.jsonl.gz",
  "harmless/train.jsonl.gz",
  "helpful/test.jsonl.gz",
  "helpful/train.jsonl.gz",
];

const PARTS = {
  train: ["harmless/train.jsonl.gz", "helpful/train.jsonl.gz"],
  "helpful/train": ["helpful/train.jsonl.gz"],
  "harmless/test.jsonl.gz": ["harmless/test.jsonl.gz"],
};

for (const [part, files] of Object.entries(PARTS)) {
  Deno.test(`dataFiles() finds the part "${part}"`, () => {
    deepStrictEqual(dataFiles(PAIRS, "it", { part }), files);
  });
}

Deno.test("dataFiles() takes no folder of several splits, unless one serves where none is named", () => {
  throws(() => dataFiles(PAIRS, "it", { part: "helpful" }), {
    message:
      "Cannot tell which split of it to take (test, train): it has helpful/test.jsonl.gz, helpful/train.jsonl.gz; name a file, or a split as in org/name:train",
  });
  deepStrictEqual(
    dataFiles(PAIRS, "it", { part: "helpful", split: "train" }),
    PARTS["helpful/train"],
  );
  deepStrictEqual(
    dataFiles(PAIRS, "it", { part: null, split: "train" }),
    PARTS.train,
  );
});

Deno.test("dataFiles() tells splits by whole words, and shards are none", () => {
  const same = [
    ["train-0.json", "train-1.json"],
    ["train_0.json", "train_1.json"],
    ["train_part1.json", "train_part2.json"],
    ["train_shard_a.json", "train_data.json"],
    ["en_train.json", "de_train.json"],
    ["Train/a.json", "train/b.json"],
    ["test_suite/train.json", "test_suite/more/train-1.json"],
    ["contest.json", "trains.json"],
  ];
  for (const paths of same) {
    deepStrictEqual(dataFiles(paths, "it", { part: null }), paths.toSorted());
  }
  const different = [
    ["train_prefs-0.parquet", "train_sft-0.parquet"],
    ["train-0.parquet", "train_prefs-0.parquet"],
    ["data/test_gen.json", "data/test_sft.json"],
    ["train/a.json", "validation/a.json"],
    ["test_suite/train.json", "test_suite/valid.json"],
    ["dev.json", "eval.json"],
  ];
  for (const paths of different) {
    throws(
      () => dataFiles(paths, "it", { part: null }),
      /^Error: Cannot tell which split of it to take \(\w+, \w+\): /,
    );
  }
});

Deno.test("dataFiles() begins a part at a word", () => {
  const paths = ["data/en_train-0.json", "data/pretrained.json"];
  deepStrictEqual(dataFiles(paths, "it", { part: "train" }), [paths[0]]);
});

Deno.test("dataFiles() prefers whole words to beginnings", () => {
  const shards = ["train", "train_prefs", "test"].map((split) =>
    `data/${split}-00000-of-00001.parquet`
  );
  deepStrictEqual(dataFiles(shards, "it", { part: "train" }), [shards[0]]);
  const languages = ["en/train-0.json", "zh-en/train-0.json"];
  deepStrictEqual(dataFiles(languages, "it", { part: "en/train" }), [
    languages[0],
  ]);
});

Deno.test("dataFiles() refuses the beginning of several words", () => {
  const shards = ["train_prefs-0", "train_sft-0", "train_sft-1"].map((name) =>
    `data/${name}.parquet`
  );
  throws(() => dataFiles(shards, "the data", { part: "train" }), {
    message:
      'Cannot tell which part of the data "train" is: it has train_prefs, train_sft',
  });
  deepStrictEqual(
    dataFiles(shards, "it", { part: "train_s" }),
    shards.slice(1),
  );
  const numbered = ["train_0.json", "train_1.json"];
  deepStrictEqual(dataFiles(numbered, "it", { part: "train" }), numbered);
});

Deno.test("dataFiles() takes all shards of the only split", () => {
  const shards = ["train-00000.jsonl", "train-00001.jsonl"];
  deepStrictEqual(dataFiles(shards.toReversed(), "it", { part: null }), shards);
});

Deno.test("dataFiles() refuses to mix splits", () => {
  for (const paths of [["train.json", "test.json"], ["a.json", "val.json"]]) {
    throws(
      () => dataFiles(paths, "the data", { part: null }),
      /^Error: Cannot tell which split of the data to take \([a-z, _]+\): it has .*; name a file, or a split as in org\/name:train$/,
    );
  }
});

Deno.test("dataFiles() names the parts that are there", () => {
  throws(() => dataFiles(["a.json", "b.py"], "the data", { part: "train" }), {
    message: 'Cannot find "train" in the data: it has a.json',
  });
});

Deno.test("dataFiles() takes every container and nothing about the data", () => {
  const wanted = [
    "a.csv.gz",
    "b.json",
    "c.jsonl.zst",
    "d.ndjson",
    "e.tsv",
    "f.parquet",
  ];
  const others = [".a.csv", "README.json", "dataset_info.json", "g.arrow"];
  deepStrictEqual(
    dataFiles([...others, ...wanted.toReversed()], "it", { part: null }),
    wanted,
  );
});

Deno.test("dataFiles() finds a config and split of the Hub's conversion", () => {
  const paths = ["en", "fr"].flatMap((config) =>
    ["test", "train"].map((split) => `${config}/${split}/0000.parquet`)
  );
  deepStrictEqual(dataFiles(paths, "it", { part: "fr/train" }), [paths[3]]);
});

const TWICE = [
  ["pairs.json", "pairs.parquet"],
  ["pairs.jsonl", "pairs.jsonl.gz"],
  ["train.jsonl", "data/train-00000-of-00002.parquet"],
];

for (const paths of TWICE) {
  Deno.test(`dataFiles() refuses ${paths.join(" and ")}`, () => {
    throws(
      () => dataFiles(paths, "the data", { part: null }),
      /^Error: Cannot tell which files of the data to take: it has \w+\.\S+ and \w+\.\S+, which may be the same rows; name a file$/,
    );
  });
}

Deno.test("dataFiles() names files that are no data", () => {
  const paths = Array.from({ length: 8 }, (_, i) => `train-${i}.h5`);
  throws(() => dataFiles(paths, "the data", { part: null }), {
    message:
      "Cannot find data in the data: expected .json, .jsonl, .ndjson, .csv or .tsv, plain, .gz or .zst, or .parquet; " +
      "it has train-0.h5, train-1.h5, train-2.h5, train-3.h5, train-4.h5, train-5.h5 and 2 more",
  });
});

Deno.test("dataFiles() says what to do with a folder of save_to_disk()", () => {
  const saved = ["data-0.arrow", "dataset_info.json", "state.json"];
  throws(() => dataFiles(saved, "it", { part: null }), {
    message: "Cannot read data in it: it has Arrow files, as save_to_disk() " +
      "writes them; expected parquet or JSON, which to_parquet() and to_json() write",
  });
  const paths = [...saved, "dataset_dict.json", "rows.jsonl"];
  deepStrictEqual(dataFiles(paths, "it", { part: null }), ["rows.jsonl"]);
});
