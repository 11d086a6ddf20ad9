import { deepEqual, equal, rejects } from "node:assert/strict";
import { mapWithWorkers } from "lib/experiment/workers.ts";

/** Waits for some turns of the event loop. */
async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}

Deno.test("results stand in the order of the inputs, whoever is done first", async () => {
  const inputs = [9, 1, 5, 2, 7];
  for (const workers of [["a"], ["a", "b"], ["a", "b", "c", "d", "e", "f"]]) {
    const found = await mapWithWorkers({ workers, inputs }, async (_, n) => {
      await turns(n);
      return n * 10;
    });
    deepEqual(found, [90, 10, 50, 20, 70]);
  }
});

Deno.test("a worker does one job at a time", async () => {
  const busy = new Set<string>();
  await mapWithWorkers(
    { workers: ["a", "b"], inputs: [3, 1, 4, 1, 5] },
    async (worker, n) => {
      equal(busy.has(worker), false);
      busy.add(worker);
      await turns(n);
      busy.delete(worker);
    },
  );
});

Deno.test("after an error no job is started, and those under way are waited for", async () => {
  const done: number[] = [];
  const failing = mapWithWorkers(
    { workers: ["a", "b"], inputs: [1, 2, 3, 4] },
    async (_, n) => {
      if (n === 1) throw new Error("no");
      await turns(20);
      done.push(n);
    },
  );
  await rejects(failing, /no/);
  deepEqual(done, [2]);
});
