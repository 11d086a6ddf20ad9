import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { lockedFile } from "lib/files/lock.ts";
import { Watcher } from "lib/watch/watcher.ts";
import { copyRun, putExperiment } from "../report/stored_results.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const RUNNING = {
  ...{ loss: "dpo", model: "tiny", data: "pairs.jsonl", seed: 0, steps: 8 },
};

const row = (step: number) =>
  `${JSON.stringify({ step, loss: 1 / step, seconds: 2 })}\n`;

async function scene() {
  const folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  await Deno.mkdir(place("out"));
  const watcher = new Watcher([place("out"), place("later")], 0);
  /** The state of a folder by the end of its path. */
  const state = async (name: string) => {
    // Systems tell the times of files in steps of some milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const states = await watcher.states();
    return states.find(({ id }) => id.endsWith(`/${name}`));
  };
  const dispose = () => folder[Symbol.dispose]();
  return { place, watcher, state, [Symbol.dispose]: dispose };
}

Deno.test("a run of training is followed from its lock to its record", async () => {
  using t = await scene();
  strictEqual(await t.state("a"), undefined);
  const run = t.place("out/deep/a");
  await Deno.mkdir(run, { recursive: true });
  const lock = lockedFile(join(run, ".lock"));
  const begun = await t.state("a");
  deepStrictEqual([begun!.phase, begun!.done, begun!.total], [
    ...["running", 0, null],
  ]);
  await Deno.writeTextFile(join(run, ".lock"), JSON.stringify(RUNNING));
  const metrics = join(run, "metrics.jsonl");
  await Deno.writeTextFile(metrics, row(1) + row(2) + row(3).slice(0, 5));
  const { id, revision, ...going } = (await t.state("a"))!;
  deepStrictEqual(going, {
    name: run,
    about: "dpo: tiny on pairs.jsonl",
    phase: "running",
    ...{ done: 2, total: 8, unit: "step", rate: 0.5, latest: { loss: 0.5 } },
  });
  const details = await t.watcher.details(id, "");
  deepStrictEqual(details!.plots[0]!.data[0]!.y, [1, 0.5]);
  lock.close();
  const stopped = await t.state("a");
  deepStrictEqual([stopped!.phase, stopped!.total], ["stopped", 8]);
  const again = lockedFile(join(run, ".lock"));
  await Deno.writeTextFile(metrics, row(3).slice(5), { append: true });
  await Deno.writeTextFile(join(run, ".lock"), JSON.stringify(RUNNING));
  const resumed = await t.state("a");
  deepStrictEqual([resumed!.phase, resumed!.done], ["running", 3]);
  again.close();
  await copyRun("results/smollm2-dpo", run);
  const ended = await t.state("a");
  deepStrictEqual([ended!.phase, ended!.done], ["finished", 20]);
  strictEqual(ended!.about, "dpo: smollm2 on dpo_en_demo.json");
  strictEqual(ended!.revision > revision, true);
  await Deno.remove(run, { recursive: true });
  strictEqual(await t.state("a"), undefined);
});

Deno.test("an experiment is followed run by run, and with its results", async () => {
  using t = await scene();
  const part = t.place(".later.part");
  await putExperiment(part, "results/taught");
  const runs = [...Deno.readDirSync(part)].filter(({ isDirectory, name }) =>
    isDirectory && name !== "exact"
  ).map(({ name }) => name);
  const hidden = join(t.place("hidden"), runs[0]!);
  await Deno.mkdir(t.place("hidden"));
  await Deno.rename(join(part, runs[0]!), hidden);
  const lock = lockedFile(t.place(".later.lock"));
  const going = (await t.state(".later.part"))!;
  deepStrictEqual(
    [going.name, going.phase, going.done, going.total, going.unit],
    [t.place("later"), "running", 13, 14, "run"],
  );
  const live = join(part, "live/dpo-beta1");
  await Deno.mkdir(live, { recursive: true });
  await Deno.writeTextFile(join(live, "metrics.jsonl"), row(1) + row(2));
  const { name, done } = (await t.state("live/dpo-beta1"))!;
  deepStrictEqual([name, done], [t.place("later/dpo-beta1"), 2]);
  await Deno.remove(join(part, "live"), { recursive: true });
  const all = await t.watcher.details(going.id, "");
  deepStrictEqual([all!.runs.length, all!.found], [13, 13]);
  const some = await t.watcher.details(going.id, "kto-pairwise");
  deepStrictEqual(
    some!.found,
    runs.filter((name) => name.includes("kto-pairwise") && name !== runs[0])
      .length,
  );
  await Deno.rename(hidden, join(part, runs[0]!));
  const whole = (await t.state(".later.part"))!;
  deepStrictEqual([whole.done, whole.revision > going.revision], [14, true]);
  lock.close();
  strictEqual((await t.state(".later.part"))!.phase, "stopped");
  await Deno.rename(part, t.place("later"));
  const ended = (await t.state("later"))!;
  deepStrictEqual([ended.phase, ended.done, ended.about], [
    ...["finished", 14, "taught"],
  ]);
  strictEqual(await t.state(".later.part"), undefined);
});

Deno.test("a broken record keeps nothing else from being seen", async () => {
  using t = await scene();
  await Deno.mkdir(t.place("out/broken"));
  await Deno.writeTextFile(t.place("out/broken/run.json"), "{");
  await copyRun("results/smollm2-dpo", t.place("out/sound"));
  strictEqual((await t.state("sound"))!.phase, "finished");
  strictEqual((await t.state("broken"))!.phase, "stopped");
});
