import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { integerFault } from "lib/onnx/devices.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { runScript } from "./run_script.ts";

const doctor = (args: string[], env: Record<string, string> = {}) =>
  runScript("doctor", args, { env });

Deno.test("doctor tells its findings as JSON, without the network", async () => {
  using folder = temporaryFolder();
  const { code, out } = await doctor(["--json"], {
    HF_ENDPOINT: "http://localhost:9",
    HF_HUB_CACHE: `${folder.path}/hub/cache`,
    HF_HUB_OFFLINE: "1",
    HF_TOKEN: "secret",
  });
  strictEqual(code, 0);
  const { versions, machine, devices, gemm, hub, w8a16 } = JSON.parse(out);
  strictEqual(versions.deno, Deno.version.deno);
  strictEqual(machine.cores, navigator.hardwareConcurrency);
  deepStrictEqual(devices.states.cpu, {
    ...{ works: true, reason: null },
    ...{ precisions: ["float32", "bfloat16", "float16"], speed: null },
  });
  ok(devices.states[devices.auto].works);
  strictEqual(typeof devices.cudaLibraries.isSetUp, "boolean");
  for (
    const [word, adapter] of Object.entries<{ isChosen: boolean }>(
      devices.adapters,
    )
  ) strictEqual(adapter.isChosen, word === "high-performance");
  const fault = await integerFault();
  deepStrictEqual(w8a16, { works: fault === null, reason: fault });
  match(devices.cudaLibraries.folder, /prefgrad\/cuda\/\d+\.\d+\.\d+$/);
  ok(gemm.every(({ gflops }: { gflops: number }) => gflops > 0.1));
  deepStrictEqual(hub, {
    endpoint: "http://localhost:9",
    offline: true,
    offlineBy: "HF_HUB_OFFLINE",
    hasToken: true,
    cache: { folder: `${folder.path}/hub/cache`, writable: true, reason: null },
  });
  ok(!out.includes("secret"));
  deepStrictEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("doctor says first whether this machine trains, and what it lacks", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  const { code, out } = await doctor([], {
    HF_HUB_CACHE: `${folder.path}/file`,
    HF_HUB_OFFLINE: "1",
  });
  strictEqual(code, 0);
  match(out, /^Can train, on (cpu|webgpu|cuda): \S+ GiB of memory free\n/);
  const [sentences, table] = out.split("\n\n");
  match(sentences!, /^Cannot download: .* switched off by HF_HUB_OFFLINE$/m);
  match(
    sentences!,
    /^Cannot keep downloads in \S+\/file: .*(Not a directory|os error)/m,
  );
  match(table!, /^device cpu +works, in float32, bfloat16, float16$/m);
  for (const [, name] of table!.matchAll(/^device (\w+) +does not work/gm)) {
    match(sentences!, new RegExp(`^Cannot train on ${name}: \\S`, "m"));
  }
  match(table!, /^adapter( high-performance +.*, chosen$| +none for WebGPU$)/m);
  match(table!, /^CUDA libraries +(not set up|set up in \S+)$/m);
  match(table!, /^float32 product, 1 thread +\d+ GFLOP\/s$/m);
  match(table!, /^--base-weights w8a16 +(works|no: it lacks VNNI, .+)$/m);
  match(table!, /^Hub cache +\S+\/file, not writable$/m);
  match(table!, /^deno +\S+\n(\S+ +[\d.]+\n)+$/m);
});
