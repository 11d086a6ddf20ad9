import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readRecord } from "lib/record/record.ts";
import { folderFiles } from "../hub/loopback_files.ts";
import { COMMIT, oneCommit, tinyHub } from "../hub/tiny_hub.ts";
import { type Outcome, runScript } from "./run_script.ts";
import { tinyTraining } from "./tiny_training.ts";

Deno.test("a run whose model, data and adapter are on the Hub is made again from its record, offline", async () => {
  await using tiny = await tinyTraining();
  await using t = await tinyHub();
  t.repos["models/org/base"] = oneCommit(await folderFiles(tiny.model));
  t.repos["datasets/org/pairs"] = oneCommit({
    "data/test.jsonl": "no rows",
    "data/train.jsonl": await Deno.readFile(tiny.pairs),
  });
  const run = async (
    script: string,
    args: string[],
    env: Record<string, string> = {},
  ): Promise<Outcome> => {
    const ended = await runScript(script, args, {
      env: { ...t.env, ...env },
      cwd: tiny.path,
    });
    strictEqual(ended.code, 0, ended.err);
    return ended;
  };
  const data = ["--model", "org/base", "--data", "org/pairs:train"];
  const flags = [...data, "--loss", "dpo", "--steps", "1"];
  await run("train", [...flags, "--out", "first"]);
  const { base_model_name_or_path, revision } = JSON.parse(
    await Deno.readTextFile(
      join(tiny.path, "first/adapter/adapter_config.json"),
    ),
  );
  deepStrictEqual([base_model_name_or_path, revision], ["org/base", COMMIT]);
  t.repos["models/org/adapter"] = oneCommit(
    await folderFiles(join(tiny.path, "first/adapter")),
  );
  const from = ["--init-adapter", "org/adapter"];
  await run("train", [...flags, ...from, "--out", "second"]);
  const { settings } = await readRecord(join(tiny.path, "second/run.json"));
  deepStrictEqual(
    [settings["model"], settings["data"], settings["tuning"]],
    [`org/base@${COMMIT}`, `org/pairs@${COMMIT}:train`, {
      kind: "adapter",
      adapter: `org/adapter@${COMMIT}`,
    }],
  );
  const { out } = await run("reproduce", ["second"], { HF_HUB_OFFLINE: "1" });
  strictEqual(out, "Identical, bit for bit\n");
});
