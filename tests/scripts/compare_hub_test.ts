import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { readRuns } from "lib/experiment/records.ts";
import { folderFiles } from "../hub/loopback_files.ts";
import { COMMIT, oneCommit, tinyHub } from "../hub/tiny_hub.ts";
import { runScript } from "./run_script.ts";
import { tinyTraining } from "./tiny_training.ts";

Deno.test("a comparison on a model and data of the Hub fetches them once, and is made again offline", async () => {
  await using tiny = await tinyTraining();
  await using t = await tinyHub();
  t.repos["models/org/base"] = oneCommit(await folderFiles(tiny.model));
  t.repos["datasets/org/pairs"] = oneCommit({
    "data/train.jsonl": await Deno.readFile(tiny.pairs),
  });
  const run = async (script: string, args: string[], offline = "0") => {
    const ended = await runScript(script, args, {
      env: { ...t.env, HF_HUB_OFFLINE: offline },
      cwd: tiny.path,
    });
    equal(ended.code, 0, ended.err);
    return ended.out;
  };
  const args = [
    ...["--model", "org/base", "--data", "org/pairs:train", "--loss", "dpo"],
    ...["--steps", "1", "--answers", "2", "--max-new-tokens", "2"],
    ...["--threads", "1", "--jobs", "2", "--out", "out"],
  ];
  await run("compare", args);
  const count = (part: string) =>
    t.hub.log.filter((line) => line.includes(part)).length;
  // Weights, configuration and rows; no process asks again what main is.
  deepEqual([count("/resolve/"), count("/revision/main")], [3, 2]);
  const [first] = await readRuns(join(tiny.path, "out"));
  const { model, data } = first!.record.settings["train"] as Record<
    string,
    string
  >;
  deepEqual([model, data], [
    `org/base@${COMMIT}`,
    `org/pairs@${COMMIT}:train`,
  ]);
  const asked = t.hub.log.length;
  match(await run("compare", args, "1"), /out\/figure.html shows them/);
  match(
    await run("reproduce", ["out"], "1"),
    /^Identical, bit for bit: 2 runs/,
  );
  equal(t.hub.log.length, asked);
  const moved = ["--model", tiny.model, "--data", tiny.pairs];
  match(
    await run("reproduce", ["out/dpo-draw0-seed1", ...moved]),
    /^Identical/,
  );
  equal(t.hub.log.length, asked);
});
