import { deepEqual, equal, match, notDeepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { readRuns } from "lib/experiment/records.ts";
import { sha256 } from "lib/record/sha256.ts";
import { OWN } from "./own_loss.ts";
import { runScript } from "./run_script.ts";
import { metricsOf, type TinyTraining, tinyTraining } from "./tiny_training.ts";

const FILE = "halved.ts";
const CHANGED = OWN.replace("mul(0.5,", "mul(0.25,");

/** Settings of a comparison of DPO with a loss of the user's own. */
const settings = ({ model, pairs }: TinyTraining) => ({
  ...{ model, data: pairs, loss: ["dpo", `./${FILE}`], lr: 0.01, batch: 4 },
  ...{ answers: 1, maxNewTokens: 2, out: "out" },
  set: { halved: { beta: [0.1, 0.3] } },
});

async function scene() {
  const t = await tinyTraining();
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(t.path, name), text);
  await write(FILE, OWN);
  await write("mine.json", JSON.stringify(settings(t)));
  const go = async (script: string, ...args: string[]) => {
    const { code, err } = await t.run(script, args);
    equal(code, 0, err);
    return err;
  };
  const reproduce = (...args: string[]) =>
    runScript("reproduce", args, { cwd: t.path });
  const runs = async (out: string) => {
    const found = await readRuns(join(t.path, out));
    return new Map(found.map((each) => [each.record.name, each]));
  };
  return { ...t, write, go, reproduce, runs };
}

Deno.test("a loss in a file is compared, and another content makes other runs of it alone", async () => {
  await using t = await scene();
  await t.go("compare", "mine.json", "--jobs", "2");
  const before = await t.runs("out");
  const [mine, dpo] = ["halved-beta0.3-draw0-seed1", "dpo-draw0-seed1"];
  deepEqual([...before.keys()], [
    ...[dpo, "halved-beta0.1-draw0-seed1", mine, "reference-draw0"],
  ]);
  const { settings: { run }, objective } = before.get(mine)!.record;
  deepEqual(run, {
    ...{ draw: 0, seed: 1, level: {}, loss: "halved", options: { beta: 0.3 } },
    ...{ learningRate: 0.01, file: { path: `./${FILE}`, sha256: sha256(OWN) } },
  });
  deepEqual(objective?.code, [sha256(OWN)]);
  equal("code" in before.get(dpo)!.record.objective!, false);

  await t.write(FILE, CHANGED);
  const refused = await t.run("compare", ["mine.json"]);
  match(refused.err, /holds finished results of other runs; .*--replace/);
  const stale = await t.reproduce(`out/${mine}`);
  match(stale.err, /Cannot use .*halved.ts: its contents are no longer those/);
  await t.go("compare", "mine.json", "--replace");
  const after = await t.runs("out");
  deepEqual(after.get(dpo), before.get(dpo));
  notDeepEqual(
    after.get(mine)!.record.summary["margins"],
    before.get(mine)!.record.summary["margins"],
  );
  deepEqual(after.get(mine)!.record.objective?.code, [sha256(CHANGED)]);
});

Deno.test("a run with a loss in a file is made again from where it lies, and trained", async () => {
  await using t = await scene();
  await t.go("compare", "mine.json", "--write-rows", "rows");
  const folder = "out/halved-beta0.3-draw0-seed1";
  const args = [
    ...[`${folder}/run.json`, "--data", "rows/train.jsonl"],
  ];
  const trained = await t.go("train", ...args, "--out", "again");
  ok(!trained.includes("are not those of the run"), trained);
  const losses = (folder: string) =>
    metricsOf(join(t.path, folder)).flatMap(({ loss }) => loss ?? []);
  deepEqual(losses("again"), losses(folder));

  await Deno.rename(join(t.path, FILE), join(t.path, "moved.ts"));
  const missing = await t.reproduce(folder);
  match(missing.err, /Cannot use .*halved.ts as a loss: No such file/);
  const { out } = await t.reproduce(folder, "--loss", "moved.ts");
  match(out, /^Identical, bit for bit/m);
  await t.write(FILE, CHANGED);
  const other = await t.go("train", ...args, "--out", "other");
  match(other, /The contents of the loss's file are not those of the run/);
});
