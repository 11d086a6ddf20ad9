import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { GRID, gridPoints, runName } from "../experiment/grid.ts";
import { IDENTITY, readIdentity } from "../experiment/identity.ts";
import { namesIn, orNull } from "../files/missing.ts";
import { isObject } from "../files/values.ts";
import { readRun } from "../experiment/records.ts";
import type { RecordedRun } from "../record/record.ts";
import { curvePlots, measuredIn, stylesOf } from "./curves.ts";
import { HeldLock } from "./held_lock.ts";
import { textsOf } from "./texts.ts";
import type { Watched, WatchedDetails, WatchedState } from "./watched.ts";

/** Most runs whose curves are drawn at once. */
const MOST = 48;

/** Runs that the rate is taken over. */
const WINDOW = 10;

/** The results of an experiment or a comparison, or those under way. */
export class WatchedExperiment implements Watched {
  readonly #lock: HeldLock | null;
  /** The names of finished runs, and milliseconds when they ended. */
  readonly #ends = new Map<string, number>();
  readonly #read = new Map<string, RecordedRun>();
  #experiment = "";
  #wanted: ReadonlySet<string> = new Set();
  #seen = "";
  #isHeld = false;
  #revision = 0;

  /** @param isFinished whether the folder is that of whole results. */
  constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly isFinished: boolean,
  ) {
    const lock = basename(folder).replace(/part$/, "lock");
    this.#lock = isFinished
      ? null
      : new HeldLock(join(dirname(folder), lock), folder);
  }

  async refresh(): Promise<void> {
    const { folder } = this;
    this.#isHeld = await this.#lock?.isHeld() ?? false;
    const names = await namesIn(folder);
    const stat = await orNull(Deno.stat(join(folder, IDENTITY)));
    const seen = `${stat?.ino} ${names.sort().join()}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    await this.#readGrid();
    await this.#findEnds(new Set(names));
    this.#revision++;
  }

  state(): WatchedState {
    const { name, isFinished } = this;
    const done = this.#ends.size;
    return {
      ...{ name, done, unit: "run", latest: {}, revision: this.#revision },
      about: this.#experiment,
      phase: isFinished ? "finished" : this.#isHeld ? "running" : "stopped",
      total: this.#wanted.size || null,
      rate: rateOf([...this.#ends.values()]),
    };
  }

  async details(match: string): Promise<WatchedDetails> {
    const names = [...this.#ends].sort(([, a], [, b]) => b - a)
      .map(([name]) => name).filter((name) => name.includes(match));
    const read = await Promise.all(
      names.slice(0, MOST).map((name) => this.#run(name)),
    );
    const runs = read.flatMap((run) => run ? [run] : []).map((run) => ({
      ...run,
      name: run.record.name,
      loss: run.record.objective?.loss ?? lossOf(run),
    }));
    const styles = stylesOf(runs);
    return {
      runs: runs.map(({ name, rows, record }, i) => ({
        ...{ name, color: styles[i]!.line.color },
        step: rows.at(-1)?.step ?? 0,
        latest: measuredIn(rows.at(-1)),
        texts: textsOf(record),
      })),
      found: names.length,
      plots: curvePlots(runs),
    };
  }

  async #readGrid(): Promise<void> {
    const stored = await readIdentity(this.folder);
    const grid = v.safeParse(v.strictObject(GRID), stored?.grid);
    const points = grid.success ? gridPoints(grid.output) : [];
    this.#wanted = new Set(points.map(runName));
    const { identity } = stored ?? {};
    this.#experiment = isObject(identity) ? `${identity["experiment"]}` : "";
  }

  /** Finds runs that have ended since, and forgets those that are gone. */
  async #findEnds(names: ReadonlySet<string>): Promise<void> {
    for (const name of this.#ends.keys()) {
      if (!names.has(name)) this.#ends.delete(name);
    }
    for (const name of names) {
      if (!this.#wanted.has(name)) continue;
      const path = join(this.folder, name, "run.json");
      const stat = await orNull(Deno.stat(path));
      const end = stat?.mtime?.getTime();
      if (end === undefined || this.#ends.get(name) === end) continue;
      this.#ends.set(name, end);
      this.#read.delete(name);
    }
  }

  /** A run that has ended; null where it is gone or broken. */
  async #run(name: string): Promise<RecordedRun | null> {
    const known = this.#read.get(name);
    if (known) return known;
    try {
      const run = await readRun(join(this.folder, name));
      this.#read.set(name, run);
      return run;
    } catch {
      return null;
    }
  }
}

function lossOf({ record: { settings } }: RecordedRun): string {
  const { run } = settings;
  return isObject(run) ? `${run["loss"]}` : "";
}

/** Runs a second, by the moments at which the last ones ended. */
function rateOf(ends: readonly number[]): number | null {
  const last = ends.toSorted((a, b) => a - b).slice(-WINDOW);
  const seconds = (last.at(-1)! - last[0]!) / 1000;
  return last.length > 1 && seconds > 0 ? (last.length - 1) / seconds : null;
}
