import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { readRuns } from "lib/experiment/records.ts";
import { differences } from "lib/record/differences.ts";
import { checkout } from "../places.ts";
import { outcome } from "../scripts/run_script.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { PROCESSES } from "./slow_experiment.ts";

const PROGRAM = checkout("tests/experiment/slow_experiment.ts");

/** Number of signals; give more to try longer. */
const SIGNALS = Number(Deno.env.get("PREFGRAD_SIGNALS") ?? 4);

/** The signals that end a program, and the exit status of each. */
const STATUS = {
  SIGKILL: 137,
  SIGTERM: 143,
  SIGINT: 130,
  SIGHUP: 129,
} as const;
const NAMES = ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"] as const;

const namesIn = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();

const pause = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until something holds. */
async function until(holds: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (holds()) return;
    await pause(25);
  }
  throw new Error(`Waited in vain: ${what}`);
}

/** The experiment as a program, its results and its processes in a folder. */
class Program implements Disposable {
  readonly #folder = temporaryFolder();
  readonly #processes = join(this.#folder.path, "processes");
  readonly results = join(this.#folder.path, "results");
  readonly part = join(this.#folder.path, ".results.part");

  constructor() {
    Deno.mkdirSync(this.#processes);
  }

  /** @param jobs 1 for the program's process alone. */
  start(jobs = 2, ...args: string[]): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", PROGRAM],
        ...["--jobs", `${jobs}`, "--out", this.results, ...args],
      ],
      env: { NO_COLOR: "1", [PROCESSES]: this.#processes },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async finish(...args: string[]): Promise<string> {
    const { code, out, err } = await outcome(this.start(2, ...args));
    equal(code, 0, err);
    return out;
  }

  /** Names beside the processes' folder: the results, and what was left. */
  left(): string[] {
    return namesIn(this.#folder.path).filter((name) => name !== "processes");
  }

  runs(): string[] {
    try {
      // A run that a signal met while it was written leaves a temporary folder.
      return namesIn(this.part).filter((name) =>
        name.includes("seed") && !name.endsWith(".tmp")
      );
    } catch {
      return [];
    }
  }

  /** Waits until no process with jobs is alive. */
  async ended(): Promise<void> {
    const isAlive = (name: string) => {
      try {
        return process.kill(Number(name), 0);
      } catch {
        return false;
      }
    };
    const names = () => namesIn(this.#processes);
    await until(() => !names().some(isAlive), "processes outlive their parent");
  }

  /** Everything that the results hold, times aside. */
  async read() {
    const files = ["summary.json", "figure.json", "experiment.json"];
    const text = files.map((name) =>
      Deno.readTextFileSync(join(this.results, name))
    );
    return { text, runs: await readRuns(this.results) };
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("an experiment that signals interrupt ends as an undisturbed one", async () => {
  using undisturbed = new Program();
  const start = performance.now();
  await undisturbed.finish();
  const duration = performance.now() - start;
  const expected = await undisturbed.read();
  const story: string[] = [];
  let disturbed = new Program();
  try {
    for (let i = 0; i < SIGNALS; i++) {
      const [name, delay] = [NAMES[i % 4]!, Math.random() * duration];
      const child = disturbed.start(Math.random() < 0.3 ? 1 : 2);
      const end = outcome(child);
      await pause(delay);
      try {
        child.kill(name);
      } catch {
        // It has ended already.
      }
      const { code, err } = await end;
      story.push(`${name} after ${Math.round(delay)} ms: ${code}`);
      ok(code === 0 || code === STATUS[name], `${story.at(-1)}\n${err}`);
      await disturbed.ended();
      if (code !== 0 && i < SIGNALS - 1 && Math.random() < 0.5) continue;
      await disturbed.finish();
      deepEqual(differences(expected, await disturbed.read()), []);
      deepEqual(disturbed.left(), ["results"], story.join("\n"));
      disturbed[Symbol.dispose]();
      disturbed = new Program();
    }
  } finally {
    disturbed[Symbol.dispose]();
  }
});

Deno.test("a signal ends an experiment in seconds, which goes on where it was", async () => {
  using program = new Program();
  let kept = new Map<string, number | null>();
  for (const name of NAMES.slice(1)) {
    const child = program.start();
    const end = outcome(child);
    await until(() => program.runs().length > kept.size + 1, "two more runs");
    const start = performance.now();
    child.kill(name);
    const { code, err } = await end;
    ok(performance.now() - start < 5000);
    equal(code, STATUS[name]);
    match(err, /^Stopped; go on with the same command$/m);
    await program.ended();
    const now = inodes(program.part, program.runs());
    ok(now.size > kept.size + 1 && now.size < 12);
    deepEqual(inodes(program.part, [...kept.keys()]), kept);
    kept = now;
  }
  match(await program.finish(), /^Wrote .*results\/figure\.html$/m);
  deepEqual(inodes(program.results, [...kept.keys()]), kept);
  deepEqual(program.left(), ["results"]);
});

/** The file that each record is: a run that is made again has another. */
function inodes(folder: string, runs: readonly string[]) {
  return new Map(runs.map((name) => {
    const { ino } = Deno.statSync(join(folder, name, "run.json"));
    return [name, ino];
  }));
}

Deno.test("a command that is given again shows its results", async () => {
  using program = new Program();
  await program.finish();
  const before = Deno.statSync(join(program.results, "summary.json"));
  match(await program.finish(), /figure\.html shows them; --replace/);
  const after = Deno.statSync(join(program.results, "summary.json"));
  equal(after.ino, before.ino);
  const other = await outcome(program.start(2, "--seeds", "1"));
  equal(other.code, 1);
  match(
    other.err,
    /it holds finished results of other runs; give another --out, or --replace/,
  );
  await program.finish("--seeds", "1", "--replace");
  equal((await program.read()).runs.length, 9);
});

Deno.test("results go to the checkout of the current folder", async () => {
  using folder = temporaryFolder();
  const inside = join(folder.path, "checkout", "deep");
  for (const path of [inside, join(folder.path, "checkout", ".git")]) {
    Deno.mkdirSync(path, { recursive: true });
  }
  const { code, out, err } = await outcome(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PROGRAM, "--quick", "--seeds", "1", "--jobs", "1"],
      ...{ cwd: inside, stdout: "piped", stderr: "piped" },
    }).spawn(),
  );
  equal(code, 0, err);
  match(out, /^Wrote \.\.\/results\/local\/slow-quick\/figure\.html$/m);
  const results = join(folder.path, "checkout", "results", "local");
  deepEqual(namesIn(results), ["slow-quick"]);
  deepEqual(namesIn(inside), []);
});
