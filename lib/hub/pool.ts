/** Options for {@linkcode pooled}. */
export interface PoolOptions<T> {
  /** How many tasks go on at once. */
  readonly width: number;
  /** The signal tells that another task has failed. */
  readonly task: (item: T, signal: AbortSignal) => Promise<void>;
}

/**
 * Does a task for each item, some at once.
 *
 * @throws what the first task that fails throws, once all have ended.
 */
export async function pooled<T>(
  items: readonly T[],
  { width, task }: PoolOptions<T>,
): Promise<void> {
  const stop = new AbortController();
  const left = items.values();
  const work = async () => {
    for (const item of left) {
      if (stop.signal.aborted) return;
      await task(item, stop.signal);
    }
  };
  const workers = Array.from(
    { length: Math.min(width, items.length) },
    () => work().catch((error) => stop.abort(error)),
  );
  await Promise.all(workers);
  stop.signal.throwIfAborted();
}
