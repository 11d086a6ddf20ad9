import { deepEqual, equal, rejects } from "node:assert/strict";
import { share } from "lib/experiment/workers.ts";

/** Waits for some turns of the event loop. */
async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}

Deno.test("results stand in the order of the jobs, whoever is done first", async () => {
  const jobs = [9, 1, 5, 2, 7];
  for (const workers of [["a"], ["a", "b"], ["a", "b", "c", "d", "e", "f"]]) {
    const found = await share({ workers, jobs }, async (_, job) => {
      await turns(job);
      return job * 10;
    });
    deepEqual(found, [90, 10, 50, 20, 70]);
  }
});

Deno.test("a worker does one job at a time", async () => {
  const busy = new Set<string>();
  await share(
    { workers: ["a", "b"], jobs: [3, 1, 4, 1, 5] },
    async (worker, job) => {
      equal(busy.has(worker), false);
      busy.add(worker);
      await turns(job);
      busy.delete(worker);
    },
  );
});

Deno.test("after an error no job is started, and those under way are waited for", async () => {
  const done: number[] = [];
  const failing = share(
    { workers: ["a", "b"], jobs: [1, 2, 3, 4] },
    async (_, job) => {
      if (job === 1) throw new Error("no");
      await turns(20);
      done.push(job);
    },
  );
  await rejects(failing, /no/);
  deepEqual(done, [2]);
});
