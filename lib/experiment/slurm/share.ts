import { join } from "node:path";
import { writeTextAtomically } from "../../files/atomic.ts";
import { exists, orNull } from "../../files/missing.ts";
import { reasonOf } from "../../files/values.ts";
import { type OrderedJobs, orderedJobs } from "../ordered_jobs.ts";
import { recordName, recordRun, recordsOf, writeRun } from "../records.ts";
import { keptIn, LIVE } from "../results_folder.ts";
import { runJobs } from "../run_jobs.ts";
import { Unfinished } from "../tasks.ts";
import type { Watch } from "../watch.ts";
import type { ArrayPlan } from "./array_plan.ts";

/** What a task tells of a job that ended. */
export interface Ended {
  /** Why it failed; `null` where it did not, with a record or without. */
  readonly error: string | null;
}

/** How a task runs. */
export interface ShareOptions {
  readonly watch: Watch;
  /** Once it is requested no further job begins. */
  readonly stop: { readonly requested: boolean };
}

/**
 * Runs the jobs of one task of an array as a worker on this machine does, and
 * writes their records into the folder of the results.
 *
 * @param path the file of the array.
 * @param task number of the task.
 * @throws the first error, after all jobs of the task.
 */
export async function runShare(
  path: string,
  task: number,
  { watch, stop }: ShareOptions,
): Promise<void> {
  const text = await orNull(Deno.readTextFile(path));
  if (text === null) throw noLongerWanted(path);
  const plan: ArrayPlan = JSON.parse(text);
  const share = new Share(plan, { path, watch });
  const errors: unknown[] = [];
  for (const name of plan.shares[task] ?? []) {
    if (stop.requested) return;
    await share.make(name).catch((error) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}

class Share {
  #module: Promise<OrderedJobs> | undefined;

  constructor(
    private readonly plan: ArrayPlan,
    private readonly options: Pick<ShareOptions, "watch"> & { path: string },
  ) {}

  /** Makes a record, unless a task that was requeued has made it. */
  async make(name: string): Promise<void> {
    const { folder, ended } = this.plan;
    const told = join(ended, name);
    if (await exists(join(folder, name)) || await exists(told)) return;
    const tell = (error: string | null) =>
      writeTextAtomically(told, JSON.stringify({ error } satisfies Ended));
    try {
      await this.#run(name);
    } catch (error) {
      const reason = error instanceof Unfinished ? error.cause : error;
      await tell(reasonOf(reason));
      throw reason;
    }
    await tell(null);
  }

  async #run(name: string): Promise<void> {
    const { folder, context, checkpoints } = this.plan;
    const { settings, device } = context;
    const others = recordsOf(settings).map(recordName)
      .filter((other) => other !== name);
    await runJobs(await (this.#module ??= orderedJobs(this.plan)), {
      ...{ settings, device, workers: 1, watch: this.options.watch },
      ...{ finished: new Set(others), live: join(folder, LIVE), checkpoints },
      keep: (name, make) => keptIn(folder, name, make),
      onOutcome: async (recorded, outcome) => {
        await this.#requireWanted();
        await writeRun(folder, recordRun(recorded, outcome, context));
      },
    });
  }

  /** Refuses to write among other results, which took the place of these. */
  async #requireWanted(): Promise<void> {
    const { path } = this.options;
    if (!await exists(path)) throw noLongerWanted(path);
  }
}

function noLongerWanted(path: string): Error {
  return new Error(
    `Cannot run jobs of ${path}: it is gone, and its results with it`,
  );
}

/** What a task told of a job; `null` where it has not. */
export async function readEnded(
  folder: string,
  name: string,
): Promise<Ended | null> {
  const text = await orNull(Deno.readTextFile(join(folder, name)));
  return text === null ? null : JSON.parse(text);
}
