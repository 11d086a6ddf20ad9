import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isHeld } from "lib/files/lock.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { sha256File } from "lib/record/sha256.ts";
import { readRunning } from "lib/run/running.ts";
import { once } from "../once.ts";
import { metricsOf, type TinyTraining, tinyTraining } from "./tiny_training.ts";
import { outcome, runScript } from "./run_script.ts";

const STEPS = 500;

function argumentsFor({ model, pairs }: TinyTraining, out: string): string[] {
  return [
    ...["--model", model, "--data", pairs, "--loss", "dpo", "--out", out],
    ...["--lr", "0.01", "--batch", "5", "--steps", `${STEPS}`],
    ...["--schedule", "cosine", "--warmup", "10", "--weight-decay", "0.1"],
    ...["--eval-data", pairs, "--eval-every", "100"],
  ];
}

/** Starts a run and sends it a signal when it has taken some steps. */
async function interrupted(
  t: TinyTraining,
  args: readonly string[],
  { signal, after }: { signal: Deno.Signal; after: number },
) {
  const child = t.spawn("train", args);
  let ended = false;
  child.status.then(() => ended = true);
  const metrics = join(t.path, "out/metrics.jsonl");
  const done = () => existsSync(metrics) ? readMetrics(metrics).length : 0;
  while (!ended && done() < after) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (!ended) child.kill(signal);
  return await outcome(child);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

const WEIGHTS = "adapter/adapter_model.safetensors";

async function resultOf(t: TinyTraining, out: string) {
  const folder = join(t.path, out);
  const weights = await sha256File(join(folder, WEIGHTS));
  return { metrics: metricsOf(folder), weights };
}

/** The run undisturbed, which is the same in every folder. */
const wholeRun = once(async () => {
  await using t = await tinyTraining();
  const { code, err } = await t.run("train", argumentsFor(t, "whole"));
  strictEqual(code, 0, err);
  return await resultOf(t, "whole");
});

async function assertSameRun(t: TinyTraining): Promise<void> {
  deepStrictEqual(await resultOf(t, "out"), await wholeRun());
}

Deno.test("a run that Ctrl-C stopped goes on as if nothing had happened", async () => {
  await using t = await tinyTraining();
  const args = argumentsFor(t, "out");
  const stopped = await interrupted(t, args, { signal: "SIGINT", after: 20 });
  strictEqual(stopped.code, 130, stopped.err);
  strictEqual(stopped.out, "");
  match(stopped.err, /^warning: stopping after this step/m);
  match(stopped.err, /^Stopped; go on with the same command and --resume$/m);
  const out = join(t.path, "out");
  const done = readMetrics(join(out, "metrics.jsonl")).length;
  ok(done < STEPS);
  deepStrictEqual(await filesIn(out), ["checkpoints", "metrics.jsonl"]);
  deepStrictEqual(await filesIn(join(out, "checkpoints")), [`step-${done}`]);

  const other = await t.run("train", [...args, "--resume", "--beta", "0.2"]);
  strictEqual(other.code, 1);
  match(
    other.err,
    /Cannot resume from .*: options\/beta was 0.1, now it is 0.2/,
  );
  const slowly = args.map((arg) => arg === "0.01" ? "0.02" : arg);
  const slower = await t.run("train", [...slowly, "--resume"]);
  match(slower.err, /: learningRate was 0.01, now it is 0.02\n$/);
  deepStrictEqual(await filesIn(out), ["checkpoints", "metrics.jsonl"]);

  const resumed = await t.run("train", [...args, "--resume"]);
  strictEqual(resumed.code, 0, resumed.err);
  await assertSameRun(t);
});

Deno.test("a run that crashed goes on from its last checkpoint", async () => {
  await using t = await tinyTraining();
  const args = [...argumentsFor(t, "out"), "--save-every", "30"];
  await interrupted(t, args, { signal: "SIGKILL", after: 100 });
  const out = join(t.path, "out");
  const saved = (await filesIn(join(out, "checkpoints")))
    .filter((name) => /^step-\d+$/.test(name));
  // A crash between writing one and removing the oldest leaves four.
  ok(saved.length > 0 && saved.length <= 4, `${saved}`);
  // As if the crash had been in the middle of a line.
  const path = join(out, "metrics.jsonl");
  await Deno.writeTextFile(path, '{"step":12,"lo', { append: true });
  const resumed = await t.run("train", [...args, "--resume"]);
  strictEqual(resumed.code, 0, resumed.err);
  deepStrictEqual(
    await filesIn(join(out, "checkpoints")),
    ["step-420", "step-450", "step-480"],
  );
  await assertSameRun(t);

  // Once more, from a checkpoint of the end.
  await Deno.remove(join(out, "run.json"));
  const again = await t.run("train", [...args, "--resume"]);
  strictEqual(again.code, 0, again.err);
  await assertSameRun(t);
});

for (const [signal, status] of [["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  Deno.test(`${signal} stops a run as Ctrl-C does`, async () => {
    await using t = await tinyTraining();
    const args = argumentsFor(t, "out");
    const stopped = await interrupted(t, args, { signal, after: 20 });
    strictEqual(stopped.code, status, stopped.err);
    match(stopped.err, /^Stopped; go on with the same command and --resume$/m);
    const resumed = await t.run("train", [...args, "--resume"]);
    strictEqual(resumed.code, 0, resumed.err);
    await assertSameRun(t);
  });
}

Deno.test("one command line with --resume starts, goes on from what a crash left, and ends once", async () => {
  await using t = await tinyTraining();
  const args = [...argumentsFor(t, "out"), "--resume"];
  // No checkpoint yet: it begins again.
  await interrupted(t, args, { signal: "SIGKILL", after: 30 });
  const out = join(t.path, "out");
  deepStrictEqual(await filesIn(out), [".lock", "metrics.jsonl"]);
  ok(!isHeld(join(out, ".lock")));
  const first = await t.run("train", args);
  strictEqual(first.code, 0, first.err);
  await assertSameRun(t);
  deepStrictEqual(await filesIn(out), ["adapter", "metrics.jsonl", "run.json"]);

  const record = await sha256File(join(out, "run.json"));
  const again = await t.run("train", [...args, "--micro-tokens", "64"]);
  strictEqual(again.code, 0, again.err);
  match(again.err, /out holds this run, which has ended/);
  strictEqual(await sha256File(join(out, "run.json")), record);
  const other = await t.run("train", [...args, "--beta", "0.2"]);
  strictEqual(other.code, 1);
  match(
    other.err,
    /Cannot resume .*out: its run has ended, and options\/beta was 0.1, now it is 0.2/,
  );
});

Deno.test("a run goes on with other threads and micro-batches, and says so", async () => {
  await using t = await tinyTraining();
  const args = argumentsFor(t, "out");
  await interrupted(t, args, { signal: "SIGINT", after: 200 });
  const resumed = await t.run("train", [
    ...[...args, "--resume", "--micro-tokens", "64", "--threads", "2"],
  ]);
  strictEqual(resumed.code, 0, resumed.err);
  match(resumed.err, /microTokens was 1024, now it is 64: the last digits/);
  match(resumed.err, /threads was 1, now it is 2: the last digits/);
});

Deno.test("of two runs in one folder the second is refused", async () => {
  await using t = await tinyTraining();
  const args = [...argumentsFor(t, "out"), "--resume"];
  const child = t.spawn("train", args);
  const metrics = join(t.path, "out/metrics.jsonl");
  while (!existsSync(metrics)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const out = join(t.path, "out");
  ok(isHeld(join(out, ".lock")));
  deepStrictEqual(await readRunning(out), {
    ...{ loss: "dpo", model: "model", data: "pairs.jsonl", seed: 0 },
    steps: STEPS,
  });
  const second = await t.run("train", args);
  strictEqual(second.code, 1);
  match(second.err, /Cannot write to --out out: another run is writing there/);
  const first = await outcome(child);
  strictEqual(first.code, 0, first.err);
  strictEqual(readMetrics(metrics).length, STEPS);
  strictEqual(await readRunning(out), null);
});

Deno.test("a checkpoint holds an adapter that other verbs read", async () => {
  await using t = await tinyTraining();
  const args = argumentsFor(t, "out");
  await interrupted(t, args, { signal: "SIGINT", after: 20 });
  const [step] = await filesIn(join(t.path, "out/checkpoints"));
  const adapter = `out/checkpoints/${step}/adapter`;
  const { code, out, err } = await t.run("evaluate", [
    ...["--model", t.model, "--adapter", adapter, "--data", t.pairs, "--json"],
  ]);
  strictEqual(code, 0, err);
  ok("rewards/margins" in JSON.parse(out).metrics);
});

Deno.test("a stopped run can be ended early, with the result of its last checkpoint", async () => {
  await using t = await tinyTraining();
  const args = [...argumentsFor(t, "out"), "--finish"];
  const none = await t.run("train", args);
  strictEqual(none.code, 1);
  match(
    none.err,
    /Cannot end the run in out: expected a checkpoint, found none/,
  );
  await interrupted(t, argumentsFor(t, "out"), { signal: "SIGINT", after: 20 });
  const out = join(t.path, "out");
  const [step] = await filesIn(join(out, "checkpoints"));
  const saved = await sha256File(join(out, "checkpoints", step!, WEIGHTS));
  const ended = await t.run("train", args);
  strictEqual(ended.code, 0, ended.err);
  strictEqual(await sha256File(join(out, WEIGHTS)), saved);
  const record = JSON.parse(await Deno.readTextFile(join(out, "run.json")));
  strictEqual(`step-${record.summary.step}`, step);
  strictEqual(record.summary.endedEarly, true);
  const again = await runScript("reproduce", [
    ...[out, "--model", t.model, "--data", t.pairs, "--eval-data", t.pairs],
  ]);
  strictEqual(again.out, "Identical, bit for bit\n", again.err);
});

Deno.test("a signal while a run loads ends it at once and leaves nothing", async () => {
  await using t = await tinyTraining();
  const rows = await Deno.readTextFile(t.pairs);
  await Deno.writeTextFile(t.pairs, rows.repeat(2000)); // takes a while
  const child = t.spawn("train", argumentsFor(t, "new/out"));
  while (!existsSync(join(t.path, "new/out/.lock"))) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  child.kill("SIGTERM");
  const { code, err } = await outcome(child);
  strictEqual(code, 143, err);
  match(
    err,
    /^Stopped before anything was computed; repeat the same command$/m,
  );
  ok(!existsSync(join(t.path, "new")));
});
