import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { runToPush, weightsToPush } from "lib/hub/push_files.ts";
import { temporaryFolder } from "../temporary_folder.ts";

async function put(folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await Deno.writeTextFile(join(folder, path), "{}");
  }
}

/** Other files in the folder, which stay private. */
const PRIVATE = [
  ".env",
  ".git/config",
  ".cache/x.json",
  "checkpoints/4/state.safetensors",
  "figure.html",
  "modeling_own.py",
  "notes.txt",
  "optimizer.pt",
  "pytorch_model.bin",
  "training_args.json",
];

Deno.test("a push of a run has its adapter, record and figure, and nothing else", async () => {
  using folder = temporaryFolder();
  const adapter = ["adapter_config.json", "adapter_model.safetensors"];
  const record = ["README.md", "figure.png", "metrics.jsonl", "run.json"];
  await put(folder.path, [
    ...PRIVATE,
    ...record,
    ...PRIVATE.map((path) => `adapter/${path}`),
    ...adapter.map((path) => `adapter/${path}`),
  ]);
  const { kind, files } = await runToPush(folder.path);
  strictEqual(kind, "adapter");
  deepStrictEqual([...files.keys()].sort(), [...adapter, ...record].sort());
  strictEqual(
    files.get("adapter_config.json"),
    join(folder.path, "adapter", "adapter_config.json"),
  );
});

Deno.test("a push of a model has weights, configuration, tokenizer and card", async () => {
  using folder = temporaryFolder();
  const model = [
    "README.md",
    "added_tokens.json",
    "additional_chat_templates/tool_use.jinja",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
  ];
  await put(folder.path, [...PRIVATE, ...model]);
  const { kind, files } = await weightsToPush(folder.path);
  strictEqual(kind, "model");
  deepStrictEqual([...files.keys()], model);
});

Deno.test("a push of an ONNX model has graphs, their weights, and the files beside them", async () => {
  using folder = temporaryFolder();
  const model = [
    "additional_chat_templates/rag.jinja",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "onnx/model.onnx",
    "onnx/model.onnx_data",
    "onnx/model_fp16.onnx",
    "onnx/model_fp16.onnx_data_1",
    "tokenizer.json",
    "tokenizer_config.json",
  ];
  await put(folder.path, [
    ...PRIVATE,
    ...PRIVATE.map((path) => `onnx/${path}`),
    ...model,
    "export.json",
    "onnx/model.safetensors",
  ]);
  const { kind, files } = await weightsToPush(folder.path);
  strictEqual(kind, "onnx");
  deepStrictEqual([...files.keys()], model);
  strictEqual(
    files.get("onnx/model.onnx"),
    join(folder.path, "onnx", "model.onnx"),
  );
});

Deno.test("a push of a model with weights leaves out its ONNX graphs", async () => {
  using folder = temporaryFolder();
  const model = ["config.json", "model.safetensors"];
  await put(folder.path, [...model, "onnx/model.onnx"]);
  const { kind, files } = await weightsToPush(folder.path);
  strictEqual(kind, "model");
  deepStrictEqual([...files.keys()], model);
});

Deno.test("a run that has not ended is refused", async () => {
  using folder = temporaryFolder();
  await put(folder.path, ["metrics.jsonl", "checkpoints/4/state.json"]);
  await rejects(
    runToPush(folder.path),
    /expected a run that has ended, with adapter\/ or model\/ beside run.json$/,
  );
});

Deno.test("a folder without weights, or none at all, is refused", async () => {
  using folder = temporaryFolder();
  await put(folder.path, ["config.json"]);
  await rejects(weightsToPush(folder.path), /Cannot find weights in/);
  await put(folder.path, ["onnx/model.onnx_data"]);
  await rejects(weightsToPush(folder.path), /Cannot find weights in/);
  await rejects(
    weightsToPush(join(folder.path, "none")),
    /^Error: Cannot push \S+none: expected a folder$/,
  );
});

Deno.test("a link to a file elsewhere is refused", async () => {
  using folder = temporaryFolder();
  using other = temporaryFolder();
  await put(other.path, ["secret"]);
  await put(folder.path, ["adapter_config.json"]);
  await Deno.symlink(
    join(other.path, "secret"),
    join(folder.path, "adapter_model.safetensors"),
  );
  await rejects(
    weightsToPush(folder.path),
    /expected a file in the folder, found a link to/,
  );
});
