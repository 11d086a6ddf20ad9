import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { comparison } from "experiments/comparison/comparison.ts";
import { readRuns } from "lib/experiment/records.ts";
import type { RunRecord } from "lib/record/record.ts";
import { tinyTraining } from "../scripts/tiny_training.ts";

/** A run by TRL that tells the same pairs apart as ours. */
const again = ({ name, summary }: RunRecord) => ({
  ...{ name, steps: 2, otherwise: {}, peakMemoryBytes: 2e9 },
  seconds: { train: 12.5 },
  correct: summary["correct"] as number[],
  margins: summary["margins"] as number[],
});

function recordOf(runs: readonly RunRecord[]) {
  const [train, heldOut] = runs[0]!.data.map(({ sha256 }) => sha256);
  return {
    versions: { trl: "1.16.0", torch: "2.15.0" },
    machine: { cpu: "a processor", threads: 2 },
    ...{ train: train!, heldOut: heldOut! },
    runs: runs.map(again),
  };
}

Deno.test("TRL's record stands beside the results that have the same runs, and no others", async () => {
  await using t = await tinyTraining();
  const { code, err } = await t.run("compare", [
    ...["--model", t.model, "--data", t.pairs, "--loss", "dpo,orpo"],
    ...["--seeds", "2", "--batch", "4", "--lr", "0.01", "--held-out", "0.3"],
    ...["--answers", "1", "--max-new-tokens", "1", "--out", "out"],
  ]);
  equal(code, 0, err);
  const folder = join(t.path, "out");
  const experiment = comparison(null);
  const alone = await experiment.files(folder);
  const runs = (await readRuns(folder)).map(({ record }) => record)
    .filter(({ summary }) => "correct" in summary);
  const write = (record: ReturnType<typeof recordOf>) =>
    Deno.writeTextFile(join(folder, "trl.json"), JSON.stringify(record));

  const same = recordOf(runs);
  await write(same);
  const files = await experiment.files(folder);
  const { peer, ...rest } = JSON.parse(files["summary.json"]!);
  deepEqual(rest, JSON.parse(alone["summary.json"]!));
  deepEqual(
    peer.methods.map(({ name, seeds, apart, difference: { estimate } }: {
      name: string;
      seeds: number;
      apart: number;
      difference: { estimate: number };
    }) => ({ name, seeds, apart, estimate })),
    ["dpo", "orpo"].map((name) => ({
      ...{ name, seeds: 2, apart: 0, estimate: 0 },
    })),
  );
  match(files["table.md"]!, /The same runs by TRL 1\.16\.0/);
  match(files["table.md"]!, /\| dpo .*within sampling error.* 13 .* 2\.0 /);

  const [dpo, , orpo] = same.runs;
  const worse = {
    ...dpo!,
    correct: dpo!.correct.map(() => -1),
    margins: dpo!.margins.map((margin, i) => i === 2 ? margin - 3 : margin),
  };
  const other = { ...orpo!, otherwise: { nllOver: "all" } };
  await write({ ...same, runs: [worse, other] });
  const { methods } =
    JSON.parse((await experiment.files(folder))["summary.json"]!).peer;
  // Of the first seed alone, which is all that TRL made again.
  const [own] = runs;
  const accuracy = own!.summary["accuracy"] as number;
  equal(methods[0].accuracy.own, accuracy);
  equal(methods[0].seeds, 1);
  ok(Math.abs(methods[0].apart - 3) < 1e-9);
  equal(methods[0].difference.estimate, -1 - accuracy);
  await experiment.rebuild(folder);
  match(
    await Deno.readTextFile(join(folder, "table.md")),
    /within sampling error, with nllOver all in TRL/,
  );

  const refused = async (record: typeof same, message: RegExp) => {
    await write(record);
    await rejects(experiment.files(folder), { message });
  };
  const hash = "0".repeat(64);
  await refused({ ...same, heldOut: hash }, /its held-out pairs are others/);
  await refused({ ...same, train: hash }, /its pairs to train on are others/);
  await refused(
    { ...same, runs: [{ ...dpo!, steps: 1 }] },
    /dpo-draw0-seed1: its steps are others/,
  );
  await refused(
    { ...same, runs: [...same.runs, { ...dpo!, name: "kto-draw0-seed1" }] },
    /it has 5 runs, of which they have 4/,
  );
  await refused({ ...same, runs: [] }, /trl\.json.*at least one run/s);
});
