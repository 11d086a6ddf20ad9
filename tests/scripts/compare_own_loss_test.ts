import { deepEqual, equal, match, notDeepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { readRuns } from "lib/experiment/records.ts";
import { sha256 } from "lib/record/sha256.ts";
import { OWN } from "./own_loss.ts";
import { outcome, runScript } from "./run_script.ts";
import { metricsOf, type TinyTraining, tinyTraining } from "./tiny_training.ts";

const FILE = "halved.ts";
const CHANGED = OWN.replace("mul(0.5,", "mul(0.25,");

/** Settings of a comparison of DPO with a loss of the user's own. */
const settings = ({ model, pairs }: TinyTraining) => ({
  ...{ model, data: pairs, loss: ["dpo", `./${FILE}`], lr: 0.01, batch: 4 },
  ...{ answers: 1, maxNewTokens: 2, out: "out", writeRows: "rows" },
  set: { halved: { beta: 0.3 } },
});

Deno.test("a loss in a file is compared, trained, made again, and another content makes other runs of it alone", async () => {
  await using t = await tinyTraining();
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(t.path, name), text);
  await write(FILE, OWN);
  await write("mine.json", JSON.stringify(settings(t)));
  const go = async (script: string, ...args: string[]) => {
    // A process keeps the first content of a file that it imports.
    const { code, err } = await outcome(t.spawn(script, args));
    equal(code, 0, err);
    return err;
  };
  const runs = async () => {
    const found = await readRuns(join(t.path, "out"));
    return new Map(found.map((each) => [each.record.name, each]));
  };
  await go("compare", "mine.json", "--jobs", "2");
  const before = await runs();
  const [mine, dpo] = ["halved-beta0.3-draw0-seed1", "dpo-draw0-seed1"];
  deepEqual([...before.keys()], [dpo, mine, "reference-draw0"]);
  const { settings: { run }, objective } = before.get(mine)!.record;
  deepEqual(run, {
    ...{ draw: 0, seed: 1, level: {}, loss: "halved", options: { beta: 0.3 } },
    ...{ learningRate: 0.01, file: { path: `./${FILE}`, code: [sha256(OWN)] } },
  });
  deepEqual(objective?.code, [sha256(OWN)]);
  equal("code" in before.get(dpo)!.record.objective!, false);

  const args = [`out/${mine}/run.json`, "--data", "rows/train.jsonl"];
  const said = await go("train", ...args, "--out", "again");
  ok(!said.includes("are not those of the run"), said);
  const losses = (folder: string) =>
    metricsOf(join(t.path, folder)).flatMap(({ loss }) => loss ?? []);
  equal(losses("again").length, 3);
  deepEqual(losses("again"), losses(`out/${mine}`));

  await Deno.rename(join(t.path, FILE), join(t.path, "moved.ts"));
  const again = await runScript(
    "reproduce",
    [`out/${mine}`, "--loss", "moved.ts"],
    { cwd: t.path },
  );
  match(again.out, /^Identical, bit for bit/m, again.err);

  await write(FILE, CHANGED);
  const changed = await go("train", ...args, "--out", "other");
  match(changed, /The contents of the loss's file are not those of the run/);
  await go("compare", "mine.json", "--replace");
  const after = await runs();
  deepEqual(after.get(dpo), before.get(dpo));
  const margins = [before, after].map((some) =>
    some.get(mine)!.record.summary["margins"]
  );
  notDeepEqual(margins[1], margins[0]);
  deepEqual(after.get(mine)!.record.objective?.code, [sha256(CHANGED)]);
});
