import { match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "../temporary_folder.ts";
import { runScript } from "./run_script.ts";

Deno.test("bench measures the machine, and stores it with a table", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "bench");
  const args = ["--only", "machine", "--quick", "--out", out];
  const first = await runScript("bench", args);
  strictEqual(first.code, 0, first.err);
  const text = Deno.readTextFileSync(join(out, "bench.json"));
  const [{ gflops }] = JSON.parse(text).sections.machine.products;
  ok(gflops > 0.1);
  match(Deno.readTextFileSync(join(out, "table.md")), /256 × 576 × 576/);
});

Deno.test("bench names the pairs that a section lacks", async () => {
  const { code, err } = await runScript("bench", ["--only", "training"]);
  strictEqual(code, 2);
  match(err, /Cannot measure training: expected --short FILE/);
});

Deno.test("bench refuses what a device does not have", async () => {
  const section = await runScript("bench", [
    ...["--device", "cuda", "--only", "cost"],
  ]);
  strictEqual(section.code, 2);
  match(section.err, /Cannot measure cost on cuda: expected one or several of/);
  const peer = await runScript("bench", ["--peer", "torch"]);
  strictEqual(peer.code, 2);
  match(peer.err, /Cannot use --peer torch on cpu: expected --peer trl/);
});
