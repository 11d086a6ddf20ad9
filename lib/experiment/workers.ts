import type { Device } from "../onnx/providers.ts";
import type { JobsModule, JobTable, JobTypes, Worker } from "./jobs.ts";
import { ProcessWorker } from "./process_worker.ts";

export interface WorkerOptions<Setup, T extends JobTypes> {
  readonly module: JobsModule<Setup, T>;
  /** Argument of `createJobs`, cloned for each process. */
  readonly setup: Setup;
  readonly device: Device;
  /** Number of workers that share the jobs on a CPU. */
  readonly count: number;
  /** Ends the work at once: processes end, jobs in this one are abandoned. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes workers, releases them when `use` is done, and returns its result. A
 * single worker runs in this process, several in processes of their own.
 */
export async function withWorkers<Setup, T extends JobTypes, R>(
  { module, setup, device, count, signal }: WorkerOptions<Setup, T>,
  use: (workers: readonly Worker<T>[]) => Promise<R>,
): Promise<R> {
  // Processes that share a GPU are no faster than a single one.
  const isAlone = count === 1 || device !== "cpu";
  const create = isAlone
    ? async () => localWorker(await module.createJobs(setup), signal)
    : () => ProcessWorker.create<T>({ url: module.url, setup, signal });
  const slots = [...Array(isAlone ? 1 : count).keys()];
  const workers: Worker<T>[] = [];
  try {
    await mapWithWorkers({ workers: slots, inputs: slots }, async () => {
      workers.push(await create());
    });
    return await use(workers);
  } catch (error) {
    signal?.throwIfAborted(); // whose processes have failed then
    throw error;
  } finally {
    await Promise.all(workers.map((worker) => worker.release()));
  }
}

/**
 * Shares inputs among workers, each of which takes the next one as soon as it
 * is done with the last.
 *
 * @returns the results in the order of the inputs.
 * @throws the first error, after the work that was under way; nothing is
 * started after it.
 */
export async function mapWithWorkers<W, I, R>(
  { workers, inputs }: { workers: readonly W[]; inputs: readonly I[] },
  work: (worker: W, input: I) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const ends = await Promise.allSettled(workers.map(async (worker) => {
    while (next < inputs.length) {
      const i = next++;
      try {
        results[i] = await work(worker, inputs[i]!);
      } catch (error) {
        next = inputs.length;
        throw error;
      }
    }
  }));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
  return results;
}

function localWorker<T extends JobTypes>(
  { jobs, release }: JobTable<T>,
  signal: AbortSignal | undefined,
): Worker<T> {
  return {
    run: (name, input) => untilAborted(jobs[name](input), signal),
    // A job that was abandoned still uses what would be freed.
    release: () => signal?.aborted ? Promise.resolve() : release(),
  };
}

/** The result of work, or the reason of a signal that is aborted before. */
export async function untilAborted<R>(
  work: Promise<R>,
  signal: AbortSignal | undefined,
): Promise<R> {
  if (!signal) return await work;
  using listening = new DisposableStack();
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    listening.defer(() => signal.removeEventListener("abort", onAbort));
  });
  return await Promise.race([work, aborted]);
}
