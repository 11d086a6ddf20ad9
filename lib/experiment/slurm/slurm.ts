import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { writeTextAtomically } from "../../files/atomic.ts";
import { exists, namesIn } from "../../files/missing.ts";
import { reasonOf } from "../../files/values.ts";
import { canonicalJson } from "../../record/canonical_json.ts";
import { recordsOf } from "../records.ts";
import { LIVE, SLURM } from "../results_folder.ts";
import type { Following, Order, Site } from "../site.ts";
import { Unfinished } from "../tasks.ts";
import { ends, queued, submit } from "./queue.ts";
import {
  type ArrayPlan,
  CHECKPOINTS,
  ENDED,
  inTurns,
  nameOf,
  planOf,
  scriptFor,
} from "./array_plan.ts";
import { readEnded } from "./share.ts";

/** How arrays are submitted. */
export interface SlurmOptions {
  /** Options of sbatch for each task; `null` for none. */
  readonly options: string | null;
  /** Most tasks at a time; `null` for as many as the site allows. */
  readonly limit: number | null;
  /** The program of a task, which takes the file of an array and a number. */
  readonly program: string;
  /** Told of arrays. */
  readonly onNote: (text: string) => void;
}

/** Arrays in which a job may end without a word before it is given up. */
const TRIES = 3;
/** Milliseconds between two looks at the queue: the first, and the most. */
const PAUSE = { first: 500, most: 30_000 };
/** Looks at the queue that may fail in a row, as while its controller restarts. */
const FAILED_LOOKS = 20;
/** Milliseconds in which a file system shows what another machine wrote. */
const SHOWN_AFTER = 60_000;

/**
 * Slurm: the missing records are made by the tasks of an array, one each as long
 * as there are few enough, in a folder that all machines share. The array goes
 * on without this process, and one that is there already is followed. Jobs that
 * tell no error, such as those of a task that is cancelled or of a node that
 * fails, are submitted again.
 */
export function slurm(options: SlurmOptions): Site {
  return {
    describe: (order) => {
      const plan = planOf(order, inTurns(order.missing));
      return Promise.resolve(scriptFor(order, plan, options).script);
    },
    fill: async (order, execution) => {
      await new Filling(order, options, execution).run();
    },
  };
}

/** An array that was submitted. */
interface Submitted {
  readonly id: string;
  /** Names of the records that each task makes; unknown of an older array. */
  readonly shares: ArrayPlan["shares"];
}

class Filling {
  readonly #wanted: readonly string[];
  /** Reasons of jobs that are not tried again, by name. */
  readonly #lost = new Map<string, string>();
  readonly #tries = new Map<string, number>();
  /** The checkpoints that runs had when they were last cut off, by name. */
  readonly #checkpoints = new Map<string, string>();

  constructor(
    private readonly order: Order,
    private readonly options: SlurmOptions,
    private readonly execution: Following,
  ) {
    this.#wanted = inTurns(order.missing);
  }

  async run(): Promise<void> {
    const { settings } = this.order.context;
    const total = recordsOf(settings).length;
    const done = total - this.#wanted.length;
    const shown = this.execution.watch({ title: "jobs", total, done });
    const show = async () =>
      shown.update(total - (await this.#unfinished()).length);
    try {
      await this.#arrays(show);
    } finally {
      shown.finish();
    }
    if (this.#lost.size === 0) return;
    const unfinished = await this.#unfinished();
    throw new Unfinished([...this.#lost], unfinished.length);
  }

  /** Follows the array that is there, and those that are needed after it. */
  async #arrays(show: () => Promise<void>): Promise<void> {
    let array = await this.#older() ?? await this.#submit();
    while (array) {
      await this.#follow(array, show);
      await this.#judge(array);
      array = await this.#submit();
    }
  }

  /** The array of an earlier process, if it has not ended. */
  async #older(): Promise<Submitted | null> {
    const found = (await this.#look()).at(-1);
    if (!found) {
      const left = await namesIn(this.#path());
      for (const name of left.filter((name) => name !== CHECKPOINTS)) {
        await Deno.remove(this.#path(name), { recursive: true });
      }
      return null;
    }
    this.options.onNote(`Follows array ${found.id}, submitted before`);
    return { id: found.id, shares: [] };
  }

  /** Submits an array of what is missing; `null` where nothing is. */
  async #submit(): Promise<Submitted | null> {
    const { order, options: { onNote } } = this;
    const missing = (await this.#unfinished())
      .filter((name) => !this.#lost.has(name));
    if (missing.length === 0) return null;
    const plan = planOf(order, missing);
    const { path, script } = scriptFor(order, plan, this.options);
    const { ended, checkpoints } = plan;
    for (const name of [this.#path("logs"), ended, checkpoints, this.#live]) {
      await Deno.mkdir(name, { recursive: true });
    }
    await writeTextAtomically(path, canonicalJson(plan));
    const id = await submit(script);
    const { length } = plan.shares;
    onNote(`Submitted array ${id} of ${length} task${length === 1 ? "" : "s"}`);
    return { id, shares: plan.shares };
  }

  /** Waits until all tasks of this name have ended. */
  async #follow({ id }: Submitted, show: () => Promise<void>): Promise<void> {
    try {
      for (let pause = PAUSE.first;; pause *= 1.3) {
        await this.#pause(Math.min(pause, PAUSE.most));
        await show();
        if ((await this.#look()).length === 0) return;
      }
    } finally {
      if (this.execution.signal?.aborted) {
        this.options.onNote(
          `Array ${id} goes on: the same command follows it, scancel ${id} ends it`,
        );
      }
    }
  }

  /** Decides which jobs without a result are not tried again, and why. */
  async #judge({ id, shares }: Submitted): Promise<void> {
    const states = await ends(id);
    const taskOf = new Map(
      shares.flatMap((names, task) => names.map((name) => [name, task])),
    );
    const stateOf = (name: string) => states.get(taskOf.get(name) ?? -1);
    const silent = new Set(await this.#silent(stateOf));
    for (const name of silent) {
      const task = taskOf.get(name);
      const beside = task === undefined ? [] : shares[task]!;
      const gotFurther = beside.some((other) => !silent.has(other));
      if (await this.#wentOn(name) || gotFurther) continue;
      const tries = (this.#tries.get(name) ?? 0) + 1;
      this.#tries.set(name, tries);
      const reason = FINAL[stateOf(name) ?? ""];
      if (reason === undefined && tries < TRIES) continue;
      const logs = `${this.#path("logs")}/${id}_${task ?? "*"}.log`;
      const ended = reason ?? `${tries} tasks ended without a result`;
      this.#lost.set(name, `${ended}; the last one printed to ${logs}`);
    }
  }

  /** Whether a run without a result has another checkpoint than before. */
  async #wentOn(name: string): Promise<boolean> {
    const folder = join(this.#path(CHECKPOINTS), name, "checkpoints");
    const found = (await namesIn(folder)).sort().join();
    const before = this.#checkpoints.get(name) ?? "";
    this.#checkpoints.set(name, found);
    return found !== before;
  }

  /**
   * The jobs without a result. Another machine's files show late, so that those
   * of tasks that completed are waited for.
   */
  async #silent(
    stateOf: (name: string) => string | undefined,
  ): Promise<string[]> {
    const until = performance.now() + SHOWN_AFTER;
    for (;;) {
      const silent: string[] = [];
      for (const name of await this.#unfinished()) {
        const error = (await readEnded(this.#path(ENDED), name))?.error;
        if (error) this.#lost.set(name, error);
        else if (!this.#lost.has(name)) silent.push(name);
      }
      const isLate = silent.some((name) => stateOf(name) === "COMPLETED");
      if (!isLate || performance.now() > until) return silent;
      await this.#pause(PAUSE.first);
    }
  }

  /** Names of the records that are neither made nor known to be none. */
  async #unfinished(): Promise<string[]> {
    const names: string[] = [];
    for (const name of this.#wanted) {
      if (await exists(join(this.order.folder, name))) continue;
      const ended = await readEnded(this.#path(ENDED), name);
      if (ended?.error !== null) names.push(name);
    }
    return names;
  }

  /** The arrays for these results in the queue, however often it is silent. */
  async #look(): ReturnType<typeof queued> {
    for (let failed = 1;; failed++) {
      try {
        return await queued(nameOf(this.order));
      } catch (error) {
        if (failed === FAILED_LOOKS) throw error;
        this.options.onNote(`${reasonOf(error)}; asks again`);
        await this.#pause(PAUSE.first * failed ** 2);
      }
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.execution;
    await setTimeout(milliseconds, null, signal && { signal });
  }

  #path(name = ""): string {
    return join(this.order.folder, SLURM, name);
  }

  get #live(): string {
    return join(this.order.folder, LIVE);
  }
}

/** Ends of tasks after which the same would come again. */
const FINAL: Readonly<Record<string, string>> = {
  TIMEOUT:
    "its task reached the time limit before it kept any more: give --slurm a longer --time",
  OUT_OF_MEMORY: "its task ran out of memory: give --slurm a larger --mem",
};
