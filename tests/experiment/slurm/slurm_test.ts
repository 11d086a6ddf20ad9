import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { readRuns } from "lib/experiment/records.ts";
import { differences } from "lib/record/differences.ts";
import { checkout } from "../../places.ts";
import { outcome } from "../../scripts/run_script.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { Cluster, noCluster } from "./cluster.ts";

/** Set it to run the large grid, too. */
const isLarge = Deno.env.has("PREFGRAD_SLURM_GRID");

const SLOW = [checkout("tests/experiment/slow_experiment.ts"), "--seeds", "1"];
const MICRO = [
  ...[checkout("scripts/experiment.ts"), "micro", "--quick", "--draws", "10"],
];

const pause = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await holds()) return;
    await pause(100);
  }
  throw new Error(`Waited in vain: ${what}`);
}

/** A program with an experiment, and the results of one way to run it. */
class Grid implements Disposable {
  readonly #folder = temporaryFolder();
  // Slurm reads the path in a line of options.
  readonly results = join(this.#folder.path, "my results");

  constructor(
    private readonly program: readonly string[],
    private readonly env: Record<string, string> = {},
  ) {}

  start(...args: string[]): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", ...this.program, "--jobs", "2"],
        ...["--out", this.results, ...args],
      ],
      env: { NO_COLOR: "1", ...this.env },
      ...{ stdout: "piped", stderr: "piped" },
    }).spawn();
  }

  /** Names of the runs that the unfinished results have. */
  runs(): string[] {
    const part = join(this.#folder.path, ".my results.part");
    try {
      return [...Deno.readDirSync(part)].map(({ name }) => name)
        .filter((name) => name.endsWith("-seed1"));
    } catch {
      return [];
    }
  }

  /** Everything that the results hold, times aside, and the bytes of measures. */
  async read() {
    const files = ["summary.json", "figure.json", "experiment.json"];
    const runs = await readRuns(this.results);
    const metrics = runs.map(({ record: { name } }) => `${name}/metrics.jsonl`);
    const text = [...files, ...metrics].map((name) =>
      Deno.readTextFileSync(join(this.results, name))
    );
    return { text, runs };
  }

  get isFinished(): boolean {
    return this.left().includes("my results");
  }

  left(): string[] {
    return [...Deno.readDirSync(this.#folder.path)].map(({ name }) => name);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

async function undisturbed(program: readonly string[]) {
  using grid = new Grid(program);
  const { code, err } = await outcome(grid.start());
  equal(code, 0, err);
  return await grid.read();
}

/** Cancels a task that runs and one that waits, if there are any. */
async function cancelSome(cluster: Cluster): Promise<void> {
  for (const state of ["PENDING", "RUNNING"]) {
    const tasks = await cluster.tasks(state);
    const task = tasks[Math.floor(Math.random() * tasks.length)];
    // It may just have ended.
    if (task) await cluster.run("scancel", task).catch(() => {});
  }
}

async function restart(cluster: Cluster): Promise<void> {
  await cluster.stopController();
  cluster.startController();
}

/** Lets no task begin until the controller is started again. */
async function hold(cluster: Cluster): Promise<void> {
  await cluster.run("scontrol", "update", "partition=all", "state=down");
}

/** Waits until no task runs: one that ends without a controller tells it late. */
async function quiet(cluster: Cluster): Promise<void> {
  const active = () => cluster.tasks("RUNNING,COMPLETING");
  await until(async () => (await active()).length === 0, "no task runs");
}

/**
 * Runs a grid here, and once more on Slurm: its first process is killed, tasks
 * are cancelled, and the controller is restarted.
 *
 * @param more disturbs it further.
 */
async function survives(
  program: readonly string[],
  more: (cluster: Cluster, grid: Grid) => Promise<void> = async () => {},
): Promise<void> {
  const expected = await undisturbed(program);
  await using cluster = await Cluster.start();
  using grid = new Grid(program, cluster.env);
  const args = ["--on", "slurm", "--slurm=--time=5 --mem=0"];
  // The first process is killed, and the array goes on.
  const first = grid.start(...args);
  await until(() => grid.runs().length > 0, "the first run");
  await hold(cluster);
  first.kill("SIGKILL");
  await outcome(first);
  const second = grid.start(...args);
  let err = "";
  const told = second.stderr.pipeThrough(new TextDecoderStream())
    .pipeTo(new WritableStream({ write: (text) => void (err += text) }));
  const follows = /^Follows array \d+, submitted before$/m;
  await until(() => follows.test(err), "the second process follows");
  await cancelSome(cluster);
  await quiet(cluster);
  await restart(cluster);
  await more(cluster, grid);
  await Promise.all([new Response(second.stdout).text(), told]);
  equal((await second.status).code, 0, err);
  match(err, /^Submitted array \d+ of \d+ tasks?$/m);
  deepEqual(differences(expected, await grid.read()), []);
  deepEqual(grid.left(), ["my results"]);
}

const title = (what: string) =>
  `${what}${noCluster === null ? "" : ` (skipped: ${noCluster})`}`;

Deno.test({
  name: title("a grid on Slurm that is disturbed ends as an undisturbed one"),
  ignore: noCluster !== null,
  fn: () => survives(SLOW),
});

Deno.test({
  name: title("a grid of 41 jobs on Slurm survives more, if asked to"),
  ignore: noCluster !== null || !isLarge,
  fn: () =>
    survives(MICRO, async (cluster, grid) => {
      for (let i = 0; i < 8; i++) {
        const before = grid.runs().length;
        await cancelSome(cluster);
        if (i % 2 === 1) await restart(cluster);
        await until(
          () => grid.runs().length > before || grid.isFinished,
          "another run",
        );
      }
    }),
});
