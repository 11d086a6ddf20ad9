import {
  deepStrictEqual,
  match,
  strictEqual,
  throws,
} from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findLibrary } from "lib/distributed/mpi_library.ts";
import { Cluster, noCluster } from "../experiment/slurm/cluster.ts";
import { mpirunTest, spawnRanks } from "../mpirun.ts";
import { checkout } from "../places.ts";
import { outcome } from "../scripts/run_script.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const SCRIPT = checkout("tests/distributed/gathering_rank.ts");

mpirunTest(
  "ranks over MPI have each other's values, and the sums of them",
  async () => {
    using folder = temporaryFolder();
    const paths = [0, 1].map((rank) => join(folder.path, `${rank}`));
    const ranks = [{ count: 2, script: SCRIPT, args: paths }];
    const { code, err } = await outcome(spawnRanks(ranks));
    strictEqual(code, 0, err);
    assertGathered(paths);
  },
);

/** Slurm's plugin looks for PMIx by this name. */
const PMIX = `/usr/lib/${Deno.build.arch}-linux-gnu/pmix2/lib/libpmix.so`;
const noPmix = noCluster ?? (existsSync(PMIX) ? null : "there is no PMIx");

Deno.test({
  name: noPmix === null
    ? "srun starts ranks by PMIx"
    : `srun starts ranks by PMIx (${noPmix})`,
  ignore: noPmix !== null,
  fn: async () => {
    using folder = temporaryFolder();
    const paths = [0, 1].map((rank) => join(folder.path, `${rank}`));
    await using cluster = await Cluster.start();
    await cluster.run(
      ...["srun", "--mpi=pmix", "-n", "2", Deno.execPath()] as const,
      ...["run", "-A", "--no-check", SCRIPT, ...paths],
    );
    assertGathered(paths);
  },
});

/** Checks what each of two ranks has written. */
function assertGathered(paths: readonly string[]): void {
  const gathered = [0, 1].map((rank) => ({
    rank,
    text: "long".repeat(1000 * rank),
    numbers: new Map([["not finite", [NaN, -Infinity, 1 / 3 + rank]]]),
    floats: Float32Array.of(rank, 0.1),
  }));
  const facts = { sums: Float32Array.of(3, 10, -1), gathered };
  const [, ...expected] = Deno.inspect(facts, { depth: 9 }).split("\n");
  for (const [rank, path] of paths.entries()) {
    const text = Deno.readTextFileSync(path);
    match(text, new RegExp(`rank: ${rank},\\s+size: 2,\\s+library: "Open MPI`));
    deepStrictEqual(text.split("\n").slice(-expected.length), expected);
  }
}

Deno.test("a library that is not there is named, and how to name another", () => {
  const before = Deno.env.get("PREFGRAD_MPI");
  Deno.env.set("PREFGRAD_MPI", "/nowhere/libmpi.so");
  try {
    throws(findLibrary, {
      message:
        /^Cannot load MPI: found none of \/nowhere\/libmpi\.so .*PREFGRAD_MPI$/,
    });
  } finally {
    if (before === undefined) Deno.env.delete("PREFGRAD_MPI");
    else Deno.env.set("PREFGRAD_MPI", before);
  }
});

mpirunTest(
  "a rank that fails does not wait for ever for one that hangs",
  async () => {
    const script = checkout("tests/distributed/hanging_rank.ts");
    const { code, out } = await outcome(spawnRanks([{ count: 2, script }]));
    strictEqual(code, 3);
    strictEqual(out, "rank 0 ends all\n");
  },
);

mpirunTest(
  "a process of a launcher that is not the library's is refused",
  async () => {
    // As srun would start it without --mpi=pmix.
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", SCRIPT, "unused"],
      env: { SLURM_STEP_NUM_TASKS: "2", NO_COLOR: "1" },
    });
    const { success, stderr } = await command.output();
    strictEqual(success, false);
    match(
      new TextDecoder().decode(stderr),
      /Cannot join 2 processes \(SLURM_STEP_NUM_TASKS\): Open MPI v\S+ \(\S+\) finds this one alone/,
    );
  },
);
