/**
 * Shares jobs among workers, each of which does one at a time and takes the
 * next when it is done.
 *
 * @returns the results in the order of the jobs.
 * @throws the first error, after the jobs that were under way; no job is
 * started after it.
 */
export async function share<W, J, R>(
  { workers, jobs }: { workers: readonly W[]; jobs: readonly J[] },
  work: (worker: W, job: J) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const ends = await Promise.allSettled(workers.map(async (worker) => {
    while (next < jobs.length) {
      const i = next++;
      try {
        results[i] = await work(worker, jobs[i]!);
      } catch (error) {
        next = jobs.length;
        throw error;
      }
    }
  }));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
  return results;
}
