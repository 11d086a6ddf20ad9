import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { mpirunTest, spawnRanks } from "../mpirun.ts";
import { checkout } from "../places.ts";
import { outcome } from "../scripts/run_script.ts";
import { compileDouble, noCompiler } from "./nccl_double.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const SCRIPT = checkout("tests/distributed/nccl_rank.ts");

/** Runs two ranks with a double of NCCL: what they tell, and its calls. */
async function twoRanks(folder: string) {
  const double = await compileDouble(folder);
  const calls = join(folder, "calls");
  const paths = [0, 1].map((rank) => join(folder, `${rank}.json`));
  const ranks = paths.map((path) => (
    { count: 1, script: SCRIPT, args: [double, calls, path] }
  ));
  const { code, err } = await outcome(spawnRanks(ranks));
  strictEqual(code, 0, err);
  return paths.map((path, rank) => ({
    facts: JSON.parse(Deno.readTextFileSync(path)),
    calls: (scene: string) =>
      Deno.readTextFileSync(`${calls}.${scene}.${rank}`).trim().split("\n"),
  }));
}

const STEP = ["wait", "start", "sum 2704", "end", "wait"];

mpirunTest(
  "ranks sum by NCCL in its order, and end together whatever fails",
  async () => {
    using folder = temporaryFolder();
    for (
      const [rank, { facts, calls }] of (await twoRanks(folder.path)).entries()
    ) {
      deepStrictEqual(facts.sums, { notes: [], result: facts.byMpi });
      const joined = ["init 2", ...STEP];
      deepStrictEqual(calls("sums"), [...joined, ...STEP, ...STEP, "destroy"]);
      deepStrictEqual(facts.parts.result, [true, true]);
      const parts = ["wait", "start", "sum 2", "sum 5000", "end", "wait"];
      deepStrictEqual(calls("parts"), ["init 2", ...parts, "destroy"]);
      strictEqual(facts.absent.result, true);
      match(
        facts.absent.notes[0],
        /without NCCL: on rank 1, \/nowhere\/libnccl\.so\.2: cannot open shared object file/,
      );
      deepStrictEqual(facts.init, {
        isOfGroup: true,
        error: "NCCL failed: invalid usage (Duplicate GPU detected)",
      });
      deepStrictEqual(facts.network, {
        isOfGroup: true,
        error:
          "NCCL failed: remote process exited or there was a network error",
      });
      deepStrictEqual(calls("network"), [...joined, "abort"]);
      deepStrictEqual(
        facts.failing,
        rank === 0
          ? { isOfGroup: true, error: "Rank 1: The device failed" }
          : { isOfGroup: false, error: "The device failed" },
      );
      deepStrictEqual(calls("failing"), ["init 2", "abort"]);
    }
  },
  noCompiler,
);
