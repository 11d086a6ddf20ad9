import {
  deepStrictEqual,
  doesNotMatch,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { dirname, join } from "node:path";
import { writeJson } from "lib/models/config_json/config_reader.ts";
import { type RunRecord, writeRecord } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { pushSource } from "../../../scripts/push/source.ts";
import { DPO } from "../../model_card/card_runs.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

const METRICS = '{"step":1,"loss":0.5}\n';
const WEIGHTS = "weights";

async function putAdapter(folder: string, base: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const config = { r: 2, "base_model_name_or_path": base };
  await writeJson(join(folder, "adapter_config.json"), config);
  await Deno.writeTextFile(join(folder, "adapter_model.safetensors"), WEIGHTS);
}

/** A run of which the weights and the metrics are as its record says. */
async function putRun(folder: string, more: Partial<RunRecord> = {}) {
  await putAdapter(join(folder, "adapter"), "org/base");
  await Deno.writeTextFile(join(folder, "metrics.jsonl"), METRICS);
  await writeRecord(folder, {
    ...DPO,
    artifacts: {
      "adapter/adapter_model.safetensors": sha256(WEIGHTS),
      "metrics.jsonl": sha256(METRICS),
    },
    ...more,
  });
}

const TO = { repo: "org/mine" };

async function textOf(content: Blob | URL): Promise<string> {
  return content instanceof URL
    ? await Deno.readTextFile(content)
    : await content.text();
}

Deno.test("an adapter beside its run has the card of the run", async () => {
  using folder = temporaryFolder();
  await putRun(folder.path);
  const whole = await pushSource(folder.path, TO);
  const adapter = join(folder.path, "adapter");
  const parts = await pushSource(adapter, { ...TO, run: folder.path });
  strictEqual(parts.card, whole.card);
  deepStrictEqual([...parts.contents.keys()], [...whole.contents.keys()]);
  match(whole.card, /^# mine\n\nA LoRA adapter of `org\/base`, trained /m);
  deepStrictEqual(parts.warnings, []);
  const { warnings } = await pushSource(adapter, TO);
  match(
    warnings.join(),
    /^the card does not say how it was made: name .* --run/,
  );
});

const EXPORTED = [
  ["model", "model.safetensors", "transformers"],
  ["onnx", "onnx/model.onnx", "transformers.js"],
] as const;

for (const [kind, weights, library] of EXPORTED) {
  Deno.test(`an export for ${library} has the card and the record of its run`, async () => {
    using folder = temporaryFolder();
    const run = join(folder.path, "run");
    const model = join(folder.path, "model");
    await putRun(run);
    await Deno.mkdir(dirname(join(model, weights)), { recursive: true });
    for (const name of ["config.json", weights, "export.json"]) {
      await Deno.writeTextFile(join(model, name), "{}");
    }
    const source = await pushSource(model, { ...TO, run });
    strictEqual(source.kind, kind);
    const { card, contents } = source;
    match(card, RegExp(`^library_name: ${library}$`, "m"));
    match(card, /^`org\/base` with a LoRA adapter merged into it, trained /m);
    deepStrictEqual([...contents.keys()].sort(), [
      "README.md",
      "config.json",
      "metrics.jsonl",
      weights,
      "run.json",
    ]);
  });
}

Deno.test("a README.md that lies there is the card", async () => {
  using folder = temporaryFolder();
  await putRun(folder.path);
  await Deno.writeTextFile(join(folder.path, "README.md"), "# My own\n");
  const { card, contents } = await pushSource(folder.path, TO);
  strictEqual(card, "# My own\n");
  strictEqual(await textOf(contents.get("README.md")!), card);
});

Deno.test("the base model may be named when it was a local one", async () => {
  using folder = temporaryFolder();
  await putAdapter(folder.path, "/home/somebody/base");
  await rejects(
    pushSource(folder.path, TO),
    /base_model_name_or_path is "\/home\/somebody\/base", a path of this machine; name a model on the Hub with --base-model$/,
  );
  const options = { ...TO, baseModel: "org/base" };
  const { contents, card, warnings } = await pushSource(folder.path, options);
  const config = JSON.parse(await textOf(contents.get("adapter_config.json")!));
  deepStrictEqual(config, {
    r: 2,
    "base_model_name_or_path": "org/base",
    "revision": null,
  });
  match(card, /^base_model: org\/base$/m);
  doesNotMatch(warnings.join(), /base model/);
});

Deno.test("a base model that is no Hub id is warned of", async () => {
  using folder = temporaryFolder();
  await putAdapter(folder.path, "base");
  const { warnings } = await pushSource(folder.path, TO);
  match(warnings[0]!, /^others cannot find the base model "base" of /);
});

Deno.test("fields that name paths of this machine are warned of", async () => {
  using folder = temporaryFolder();
  const put = (name: string, fields: object) =>
    writeJson(join(folder.path, name), fields);
  await put("config.json", { "_name_or_path": "/home/somebody/base" });
  await put("tokenizer_config.json", { "name_or_path": "org/base" });
  await Deno.writeTextFile(join(folder.path, "model.safetensors"), WEIGHTS);
  const { warnings } = await pushSource(folder.path, TO);
  strictEqual(
    warnings.filter((text) => text.includes("names a path")).length,
    1,
  );
  match(
    warnings[0]!,
    /config.json names a path of this machine: "_name_or_path" is "\/home/,
  );
});

Deno.test("weights and numbers that are not the run's are refused", async () => {
  using folder = temporaryFolder();
  await putRun(folder.path);
  const place = join(folder.path, "adapter", "adapter_model.safetensors");
  await Deno.writeTextFile(place, "other");
  await rejects(
    pushSource(folder.path, TO),
    /^Error: Cannot push adapter\/adapter_model.safetensors of the run: its SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64} as in run.json$/,
  );
  await Deno.writeTextFile(place, WEIGHTS);
  await pushSource(folder.path, TO);
  await Deno.remove(join(folder.path, "metrics.jsonl"));
  await rejects(pushSource(folder.path, TO), /metrics.jsonl/);
});

Deno.test("a record of something else than a training run is refused", async () => {
  using folder = temporaryFolder();
  await putRun(folder.path, { kind: "experiment" });
  await rejects(
    pushSource(folder.path, TO),
    /run.json: its kind is "experiment", expected "train"$/,
  );
});
