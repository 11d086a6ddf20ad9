import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
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
  const { versions, machine, devices, gemm, hub } = JSON.parse(out);
  strictEqual(versions.deno, Deno.version.deno);
  strictEqual(machine.cores, navigator.hardwareConcurrency);
  deepStrictEqual(devices.states.cpu, { works: true, reason: null });
  ok(devices.states[devices.auto].works);
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

Deno.test("doctor says why a cache cannot be written", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  const { code, out } = await doctor([], {
    HF_HUB_CACHE: `${folder.path}/file`,
  });
  strictEqual(code, 0);
  match(out, /^device cpu +works$/m);
  match(out, /^float32 product, 1 thread +\d+ GFLOP\/s$/m);
  match(out, /^Hub cache +\S+\/file, .*(Not a directory|os error)/m);
});
