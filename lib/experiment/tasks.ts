import { reasonOf } from "../files/values.ts";

/** A piece of work for one of several workers. */
export interface Task<W> {
  /** Names it in errors. */
  readonly name: string;
  /** The task that comes before it. @default none */
  readonly after?: Task<W> | undefined;
  run(worker: W): Promise<void>;
}

/** A task whose value other tasks use; it is freed after the last of them. */
export class ValueTask<W, V> implements Task<W> {
  #value: { readonly made: V } | undefined;
  #users = 0;

  constructor(
    readonly name: string,
    private readonly make: (worker: W) => Promise<V>,
    readonly after?: Task<W> | undefined,
  ) {}

  async run(worker: W): Promise<void> {
    this.#value = { made: await this.make(worker) };
  }

  /** A task that uses the value. */
  user(
    name: string,
    use: (worker: W, value: V) => Promise<void>,
  ): Task<W> {
    const run = this.#using(use);
    return { name, after: this, run };
  }

  /** A task that makes another value of this one. */
  maker<R>(
    name: string,
    make: (worker: W, value: V) => Promise<R>,
  ): ValueTask<W, R> {
    return new ValueTask(name, this.#using(make), this);
  }

  #using<R>(
    use: (worker: W, value: V) => Promise<R>,
  ): (worker: W) => Promise<R> {
    this.#users++;
    return async (worker) => {
      try {
        return await use(worker, this.#value!.made);
      } finally {
        if (--this.#users === 0) this.#value = undefined;
      }
    };
  }
}

/** Failures without any success after which nothing more is tried. */
const HOPELESS = 3;

/**
 * Shares tasks among workers: each takes the first one that is ready as soon as
 * it is done with the last. A task that fails takes along those that come after
 * it; all others are done.
 *
 * @param tasks each behind the one that it comes after.
 * @throws the reason of a signal that is aborted; otherwise an Error that names
 * the tasks that failed.
 */
export async function shareTasks<W>(
  workers: readonly W[],
  tasks: readonly Task<W>[],
  { signal, onDone }: { signal?: AbortSignal | undefined; onDone(): void },
): Promise<void> {
  const waiting = new Set(tasks);
  const done = new Set<Task<W>>();
  const failed = new Map<Task<W>, unknown>();
  let change = Promise.withResolvers<void>();
  const attempt = async (task: Task<W>, worker: W) => {
    waiting.delete(task);
    try {
      await task.run(worker);
      done.add(task);
      onDone();
    } catch (cause) {
      signal?.throwIfAborted();
      failed.set(task, cause);
      dropFollowers(waiting, task);
      if (failed.size >= HOPELESS && done.size === 0) waiting.clear();
    } finally {
      change.resolve();
      change = Promise.withResolvers();
    }
  };
  await Promise.all(workers.map(async (worker) => {
    while (waiting.size > 0) {
      signal?.throwIfAborted();
      const next = waiting.values()
        .find(({ after }) => after === undefined || done.has(after));
      if (next) await attempt(next, worker);
      else await change.promise;
    }
  }));
  if (failed.size === 0) return;
  const named = [...failed].map(([{ name }, cause]) => [name, cause] as const);
  throw new Unfinished(named, tasks.length - done.size);
}

/** Removes all that come after a task. */
function dropFollowers<W>(waiting: Set<Task<W>>, lost: Task<W>): void {
  const dropped = new Set([lost]);
  for (const task of waiting) {
    if (task.after === undefined || !dropped.has(task.after)) continue;
    dropped.add(task);
    waiting.delete(task);
  }
}

/** The error of work that cannot be finished, whose cause is that of one job. */
export class Unfinished extends Error {
  /**
   * @param failed names of the jobs that failed, and why.
   * @param missing number of all jobs that are missing.
   */
  constructor(
    failed: readonly (readonly [name: string, cause: unknown])[],
    missing: number,
  ) {
    const [[name, cause] = ["", null]] = failed;
    const others = failed.length === 1
      ? ""
      : ` (and ${failed.length - 1} more that failed)`;
    const kept = `${missing} of the jobs ${
      missing === 1 ? "is" : "are"
    } missing, the others are kept`;
    super(`Cannot finish ${name}: ${reasonOf(cause)}${others}; ${kept}`, {
      cause,
    });
  }
}
