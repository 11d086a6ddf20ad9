import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { LoopbackHubCommits, TOKEN } from "../hub/loopback_hub_commits.ts";
import { tinyTraining } from "./tiny_training.ts";
import { runInTurn } from "./run_in_turn.ts";

const push = (hub: LoopbackHubCommits, args: string[]) =>
  runInTurn("push", args, {
    env: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: TOKEN },
  });

const LORA = ["--loss", "dpo", "--steps", "3", "--batch", "4"];

Deno.test("push shows its files, and sends them with --yes", async () => {
  await using t = await tinyTraining();
  await using hub = new LoopbackHubCommits();
  const out = join(t.path, "out");
  const flags = ["--model", t.model, "--data", t.pairs, "--out", out];
  strictEqual((await t.run("train", [...flags, ...LORA])).code, 0);
  await Deno.writeTextFile(join(out, ".env"), "HF_TOKEN=hf_secret");

  const local = await push(hub, [out, "org/tiny"]);
  strictEqual(local.code, 1);
  match(local.err, /base_model_name_or_path is "\/.*model", a path of this/);
  const base = ["--base-model", "org/base"];
  const shown = await push(hub, [out, "org/tiny", ...base]);
  strictEqual(shown.code, 0);
  match(shown.out, /^http:\S+\/org\/tiny: private, a new repository\n/);
  match(shown.out, /^adapter_model.safetensors +[\d.]+ kB +new$/m);
  match(
    shown.out,
    /^A LoRA adapter of .*org\/base.*, trained by prefgrad with /m,
  );
  match(shown.out, /\nNothing was sent; --yes sends it.\n$/);
  ok(hub.log.every(({ method }) => method === "GET"));

  const told = ["--yes", "--message", "Try"];
  const sent = await push(hub, [out, "org/tiny", ...base, ...told]);
  strictEqual(sent.code, 0, sent.err);
  match(sent.err, /^5 files \(kB\) .*done 5$/m);
  const repo = hub.repos.get("org/tiny")!;
  const commit = repo.refs.get("main")!;
  match(sent.out, RegExp(`\n${commit}\n  ${hub.endpoint}/org/tiny/commit/`));
  strictEqual(repo.titles.get(commit), "Try");
  const files = hub.files("org/tiny");
  deepStrictEqual([...files.keys()].sort(), [
    "README.md",
    "adapter_config.json",
    "adapter_model.safetensors",
    "metrics.jsonl",
    "run.json",
  ]);
  for (const name of ["run.json", "adapter/adapter_model.safetensors"]) {
    const there = files.get(name.split("/").at(-1)!)!.bytes;
    deepStrictEqual(there, await Deno.readFile(join(out, name)));
  }
  const card = new TextDecoder().decode(files.get("README.md")!.bytes);
  ok(shown.out.includes(card));
  ok(!card.includes(t.path));

  const again = await push(hub, [out, "org/tiny", ...base, "--yes"]);
  match(again.out, /\nNothing to send\n$/);

  await Deno.writeTextFile(join(out, "metrics.jsonl"), '{"step":1}\n');
  const spoilt = await push(hub, [out, "org/tiny", ...base]);
  strictEqual(spoilt.code, 1);
  strictEqual(spoilt.out, "");
  match(
    spoilt.err,
    /^error: Cannot push metrics.jsonl of the run: its SHA-256 is /,
  );
});
