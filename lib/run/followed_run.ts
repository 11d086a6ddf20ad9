import { existsSync } from "node:fs";
import { join } from "node:path";
import { lockedFile } from "../files/lock.ts";
import { metricsWriter } from "../record/metrics.ts";
import type { RunHooks } from "./run.ts";
import { LOCK, runningOf, tellRunning } from "./running.ts";

/**
 * Lets others follow a run without a folder of its own while it lasts, as they
 * follow one that has one: a lock that tells which run it is, and a line for
 * each step. Nothing reads them back, and the run does not need them: where they
 * cannot be written it goes on unfollowed.
 */
export class FollowedRun implements Disposable {
  #lock: Deno.FsFile | undefined;
  #append: ReturnType<typeof metricsWriter> | undefined;

  /**
   * @param folder is made for the run, in a folder that is there, and removed
   * at the end of its scope.
   */
  constructor(private readonly folder: string) {}

  /** Hooks of the run. */
  readonly hooks: Pick<RunHooks, "onPrepared" | "onStep"> = {
    onPrepared: (run) =>
      this.#try(() => {
        const { folder } = this;
        // Not what it lies in: that goes when a process is asked to end.
        if (!existsSync(folder)) Deno.mkdirSync(folder);
        this.#lock = lockedFile(join(folder, LOCK));
        tellRunning(this.#lock, runningOf(run));
        const metrics = join(folder, "metrics.jsonl");
        this.#append = metricsWriter(metrics, { keepThrough: -1 });
      }),
    onStep: (_step, metrics) =>
      this.#try(() => metrics && this.#append?.(metrics)),
  };

  #try(write: () => void): void {
    try {
      write();
    } catch {
      this.#append = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#lock?.close();
    this.#try(() => Deno.removeSync(this.folder, { recursive: true }));
  }
}
