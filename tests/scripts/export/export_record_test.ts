import { deepStrictEqual } from "node:assert/strict";
import { join } from "node:path";
import { provenance } from "lib/record/environment.ts";
import { sha256File } from "lib/record/sha256.ts";
import { exportRecord } from "../../../scripts/export/source.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

Deno.test("the record of an export names GGUF file, adapter, and how it was trained", async () => {
  using folder = temporaryFolder();
  const adapter = join(folder.path, "adapter_model.safetensors");
  await Deno.writeTextFile(adapter, "weights");
  const path = join(folder.path, "export.json");
  const made = { weights: "b".repeat(64), dtype: "float16", layout: "onnx" };
  const gguf = "a".repeat(64);
  const local = { kind: "local", path: "/somewhere/tiny.gguf" } as const;
  const hub = {
    ...{ kind: "hub", repo: "org/adapter", revision: "main" } as const,
    commit: "c".repeat(40),
  };
  const files = await exportRecord({
    model: { folder: "/cache/gguf", source: local, gguf },
    adapter: { folder: folder.path, source: hub, gguf: null },
    ...{ trainedOn: null, heldAs: "int4" },
  }, made);
  await files.get("export.json")!(path);
  deepStrictEqual(JSON.parse(await Deno.readTextFile(path)), {
    ...{ schemaVersion: 1, kind: "export", dtype: "float16", layout: "onnx" },
    model: { source: "tiny.gguf", gguf, weights: made.weights },
    adapter: {
      source: `org/adapter@${hub.commit}`,
      weights: await sha256File(adapter),
      trainedOver: "int4",
    },
    provenance: await provenance(),
  });
});
