import { type Bench, type BenchOptions, LocalBench } from "./bench.ts";
import { RemoteBench } from "./remote_bench.ts";

/**
 * Benches that work at once, one of them in this process or several in their own,
 * released when `use` is done.
 */
export async function withBenches<T>(
  { jobs, ...options }: BenchOptions & { jobs: number },
  use: (benches: readonly Bench[]) => Promise<T>,
): Promise<T> {
  // What shares a GPU gains nothing from a second process.
  const alone = jobs === 1 || options.device !== "cpu";
  const benches = alone
    ? [await LocalBench.create(options)]
    : await Promise.all(
      Array.from({ length: jobs }, () => RemoteBench.create(options)),
    );
  try {
    return await use(benches);
  } finally {
    await Promise.all(benches.map((bench) => bench.release()));
  }
}
