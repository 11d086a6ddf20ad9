import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import { rebuildTrainingFigure } from "lib/run/figure.ts";
import { checkout } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { tinyTraining } from "./tiny_training.ts";
import { runInTurn } from "./run_in_turn.ts";

const figure = (...args: string[]) => runInTurn("figure", args);

/** Panels of every run. */
const ALWAYS = [
  "Loss",
  "Gradient norm",
  "Log-probabilities since the start",
  "Margin since the start",
  "Gradient weight",
  "Length",
  "KL divergence, estimated",
];
const BATCH = "Log-probabilities of each batch";

/** Losses of each kind of data, and the panels that not every run has. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  sft: ["Accuracy", BATCH],
  orpo: ["Accuracy", BATCH, "Parts of the loss"],
  kto: [],
  "listwise-dpo": ["Accuracy"],
};

for (const [loss, more] of Object.entries(RUNS)) {
  Deno.test(`a training run's figure is made of its record and metrics alone: ${loss}`, async () => {
    await using t = await tinyTraining();
    const { code, err } = await t.run("train", [
      ...["--model", t.model, "--data", loss === "kto" ? t.labels : t.pairs],
      ...["--loss", loss, "--lr", "0.01", "--eval-every", "2", "--out", "out"],
      ...["--batch", "4"],
    ]);
    strictEqual(code, 0, err);
    using alone = temporaryFolder();
    for (const name of ["run.json", "metrics.jsonl"]) {
      await Deno.copyFile(join(t.path, "out", name), join(alone.path, name));
    }
    await rebuildTrainingFigure(alone.path);
    const json = await Deno.readTextFile(join(alone.path, "figure.json"));
    const { title, panels } = JSON.parse(json);
    match(title, new RegExp(`^${loss}: model on (pairs|labels)\\.jsonl, seed`));
    const titles = panels.map(({ title }: { title: string }) => title);
    deepStrictEqual(titles.sort(), [...ALWAYS, ...more].sort());
    const html = await Deno.readTextFile(join(alone.path, "figure.html"));
    ok(html.includes("the first 12 examples of training"));
  });
}

Deno.test("figure names the arguments that it expected", async () => {
  const unknown = await figure("nowhere");
  strictEqual(unknown.code, 1);
  match(
    unknown.err,
    /^error: Cannot draw "nowhere": expected an experiment \(frontier.*\), the folder of its results, or that of a training run, with its run\.json\n$/,
  );
  const run = "results/frontier/dpo-beta1-draw0-seed1";
  const other = await figure(
    checkout(run),
  );
  match(other.err, /run\.json: its kind is "experiment", expected "train"\n$/);
});

Deno.test("figure records a repeat of one experiment", async () => {
  const { code, err } = await figure("frontier", "noise", "--repeat", "out");
  strictEqual(code, 1);
  match(err, /^error: Cannot use --repeat with 2 names: expected one exp/);
});

Deno.test("figure draws a training run", async () => {
  const stored = checkout("results/smollm2-dpo");
  using folder = temporaryFolder();
  for (const name of ["run.json", "metrics.jsonl"]) {
    await Deno.copyFile(join(stored, name), join(folder.path, name));
  }
  const { code, out } = await figure(folder.path);
  strictEqual(code, 0);
  strictEqual(out, `Wrote ${join(folder.path, "figure.html")}\n`);
});

Deno.test("figure reads the scale of rewards, which older records have as β", async () => {
  const stored = checkout("results/smollm2-dpo");
  const run = JSON.parse(await Deno.readTextFile(join(stored, "run.json")));
  strictEqual("rewardScale" in run.objective, false);
  const figureWith = async (objective: object) => {
    using folder = temporaryFolder();
    await Deno.copyFile(
      join(stored, "metrics.jsonl"),
      join(folder.path, "metrics.jsonl"),
    );
    await Deno.writeTextFile(
      join(folder.path, "run.json"),
      JSON.stringify({ ...run, objective: { ...run.objective, ...objective } }),
    );
    await rebuildTrainingFigure(folder.path);
    return await Deno.readTextFile(join(folder.path, "figure.json"));
  };
  const old = await figureWith({});
  const { beta } = run.settings.options;
  strictEqual(await figureWith({ rewardScale: beta }), old);
  notStrictEqual(await figureWith({ rewardScale: 2 * beta }), old);
});
