import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readMetrics } from "lib/record/metrics.ts";
import { readRecord } from "lib/record/record.ts";
import { assertClose } from "../assert_close.ts";
import { mpirunTest, ranksOf, spawnRanks } from "../mpirun.ts";
import { checkout } from "../places.ts";
import { outcome } from "./run_script.ts";
import { metricsOf, type TinyTraining, tinyTraining } from "./tiny_training.ts";

const STEPS = 60;

/** KTO's reference point couples all examples of a batch. */
const settingsOf = ({ model, labels }: TinyTraining) => [
  ...["--model", model, "--data", labels, "--loss", "kto", "--lr", "0.001"],
  ...["--batch", "6", "--micro-tokens", "30", "--steps", `${STEPS}`],
  ...["--threads", "1", "--save-every", "5", "--eval-data", labels],
];

function ranks(t: TinyTraining, count: number, args: readonly string[]) {
  const script = checkout("scripts/train.ts");
  const all = [...settingsOf(t), "--distributed", "mpi", ...args];
  return { count, script, args: all };
}

/** Starts ranks on a run in `out`. */
function start(t: TinyTraining, count: number, ...args: readonly string[]) {
  const { env } = t;
  const program = ranks(t, count, ["--out", "out", ...args]);
  return spawnRanks([program], { env, cwd: t.path });
}

/** Waits until a run has a checkpoint. */
async function reached(
  t: TinyTraining,
  child: Deno.ChildProcess,
  step: number,
) {
  let ended = false;
  child.status.then(() => ended = true);
  const path = join(t.path, `out/checkpoints/step-${step}`);
  while (!ended && !existsSync(path)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

mpirunTest(
  "a run survives a dead rank and a signal, on 2 ranks, on 3 and on one",
  async () => {
    await using t = await tinyTraining();
    const alone = await t.run("train", [...settingsOf(t), "--out", "alone"]);
    strictEqual(alone.code, 0, alone.err);

    const killed = start(t, 2);
    await reached(t, killed, 5);
    const [, second] = await ranksOf(killed);
    Deno.kill(second!, "SIGKILL");
    const dead = await outcome(killed);
    ok(dead.code !== 0);
    strictEqual(dead.out, "");
    match(dead.err, /^2 ranks over Open MPI v/m);

    const stopped = start(t, 3, "--resume");
    await reached(t, stopped, 20);
    const [, , third] = await ranksOf(stopped);
    Deno.kill(third!, "SIGTERM");
    const asked = await outcome(stopped);
    strictEqual(asked.code, 143, asked.err);
    match(asked.err, /^ranks was 2, now it is 3: the last digits may differ/m);
    match(asked.err, /^Stopped; go on with the same command and --resume$/m);
    const out = join(t.path, "out");
    const done = readMetrics(join(out, "metrics.jsonl")).length;
    ok(done < STEPS && existsSync(join(out, `checkpoints/step-${done}`)));

    const ended = await outcome(start(t, 2, "--resume"));
    strictEqual(ended.code, 0, ended.err);
    strictEqual(ended.out, "Wrote out\n");
    strictEqual((await readRecord(join(out, "run.json"))).environment.ranks, 2);
    const [found, expected] = [
      metricsOf(out),
      metricsOf(join(t.path, "alone")),
    ];
    deepStrictEqual(found.map(Object.keys), expected.map(Object.keys));
    for (const [i, line] of found.entries()) {
      const wanted = Object.values(expected[i]!).map(Number);
      const values = Object.values(line).map(Number);
      assertClose(values, wanted, { what: `step ${i + 1}`, tolerance: 5e-5 });
    }
  },
);

mpirunTest(
  "a rank with other settings is refused, once and by name",
  async () => {
    await using t = await tinyTraining();
    const { env, path: cwd } = t;
    const differing = [
      ranks(t, 1, ["--out", "out"]),
      ranks(t, 1, ["--out", "out", "--beta", "0.3"]),
    ];
    const { code, err } = await outcome(spawnRanks(differing, { env, cwd }));
    strictEqual(code, 1);
    deepStrictEqual(err.match(/^error: .*$/gm), [
      "error: Rank 0: Cannot train on 2 ranks: options/beta is 0.3 on rank 1 and 0.1 on rank 0; expected the same settings, data, model and code on all",
    ]);
    strictEqual(existsSync(join(cwd, "out")), false);
  },
);

const KTO = checkout("lib/losses/kto.ts");
/** KTO that fails after some steps, on the second rank alone. */
const FAILING = `
import { kto } from '${KTO}';
let calls = 0;
const reduce = (...given) => {
  const isSecond = Deno.env.get("OMPI_COMM_WORLD_RANK") === "1";
  if (++calls === 12 && isSecond) throw new Error("No memory is left");
  return kto.statistics.reduce(...given);
};
export default {
  ...kto,
  id: "failing",
  statistics: { ...kto.statistics, reduce },
};
`;

mpirunTest(
  "where a rank fails the first one saves the last step, and says why",
  async () => {
    await using t = await tinyTraining();
    const loss = join(t.path, "failing.ts");
    await Deno.writeTextFile(loss, FAILING);
    const given = ranks(t, 2, ["--out", "out"]);
    const args = given.args.map((arg) => arg === "kto" ? loss : arg);
    const { env, path: cwd } = t;
    const ranked = [{ ...given, args }];
    const { code, err } = await outcome(spawnRanks(ranked, { env, cwd }));
    strictEqual(code, 1, err);
    const lines = readMetrics(join(t.path, "out/metrics.jsonl")).length;
    deepStrictEqual(err.match(/^error: .*$/gm), [
      `error: Rank 1: No memory is left, after step ${lines} of the run. ` +
      `Step ${lines} is saved in out: go on with the same command and ` +
      "--resume, there or with --device cpu",
    ]);
    const saved = join(t.path, `out/checkpoints/step-${lines}/state.json`);
    ok(lines > 0 && existsSync(saved));
  },
);
