import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Worker } from "lib/experiment/jobs.ts";
import { ProcessWorker } from "lib/experiment/process_worker.ts";
import { mapWithWorkers, withWorkers } from "lib/experiment/workers.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import * as module from "./arithmetic_jobs.ts";
import type { ArithmeticJobs } from "./arithmetic_jobs.ts";

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

/** Workers that scale by a factor, and how often they were released. */
async function withScaling<R>(
  { count, factor = 3, device = "cpu" as const, signal }: {
    count: number;
    signal?: AbortSignal;
    factor?: number;
    device?: "cpu" | "webgpu";
  },
  use: (workers: readonly Worker<ArithmeticJobs>[]) => Promise<R>,
): Promise<{ result: R; releases: number }> {
  using folder = temporaryFolder();
  const released = join(folder.path, "released");
  Deno.writeTextFileSync(released, "");
  const setup = { factor, released };
  const result = await withWorkers(
    { module, setup, device, count, signal },
    use,
  );
  return { result, releases: Deno.readTextFileSync(released).length };
}

Deno.test("workers do the same jobs here and in processes, and are released", async () => {
  for (const count of [1, 2]) {
    const { result, releases } = await withScaling(
      { count },
      (workers) =>
        mapWithWorkers(
          { workers, inputs: [1, 2, 3] },
          (worker, n) => worker.run("scale", Float64Array.of(n, 1 / n)),
        ),
    );
    deepEqual(result, [1, 2, 3].map((n) => Float64Array.of(3 * n, 3 / n)));
    equal(releases, count);
  }
});

Deno.test("several workers have processes of their own, except on a GPU", async () => {
  const processes = (count: number, device: "cpu" | "webgpu") =>
    withScaling(
      { count, device },
      (workers) =>
        Promise.all(workers.map((each) => each.run("process", null))),
    );
  deepEqual((await processes(1, "cpu")).result, [Deno.pid]);
  deepEqual((await processes(3, "webgpu")).result, [Deno.pid]);
  equal(new Set([Deno.pid, ...(await processes(3, "cpu")).result]).size, 4);
});

Deno.test("an error of a job arrives as it is, and the worker goes on", async () => {
  for (const count of [1, 2]) {
    const { result } = await withScaling({ count }, async ([worker]) => {
      await rejects(worker!.run("fail", "no luck"), {
        name: "RangeError",
        message: "no luck",
      });
      return await worker!.run("scale", Float64Array.of(2));
    });
    deepEqual(result, Float64Array.of(6));
  }
});

Deno.test("a setup that fails is an error", async () => {
  for (const count of [1, 2]) {
    const failing = withScaling({ count, factor: 0 }, () => Promise.resolve());
    await rejects(failing, /Cannot scale by 0/);
  }
});

Deno.test("a process that ends is an error of the job it had", async () => {
  const failing = withScaling(
    { count: 2 },
    ([worker]) => worker!.run("exit", 9),
  );
  await rejects(failing, /ended with status 9, expected an answer/);
});

Deno.test("the job of a process that ends is tried once more in another", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "exited");
  const { result } = await withScaling({ count: 2 }, async ([worker]) => {
    const before = await worker!.run("process", null);
    equal(await worker!.run("exitOnce", path), "done");
    const between = await worker!.run("process", null);
    Deno.kill(between, "SIGKILL");
    const after = await worker!.run("process", null);
    return new Set([before, between, after]).size;
  });
  equal(result, 3);
});

Deno.test("a signal ends the work and every process", async () => {
  const stop = new AbortController();
  const pids: number[] = [];
  const failing = withScaling(
    { count: 2, signal: stop.signal },
    async (workers) => {
      for (const worker of workers) {
        pids.push(
          await worker.run("process", null),
        );
      }
      const waiting = workers.map((worker) => worker.run("wait", null));
      stop.abort(new Error("enough"));
      await Promise.all(waiting);
    },
  );
  await rejects(failing, /enough/);
  equal(pids.length, 2);
  for (const pid of pids) throws(() => process.kill(pid, 0), /ESRCH/);
  const alone = withScaling(
    { count: 1, signal: AbortSignal.timeout(50) },
    ([worker]) => worker!.run("wait", null),
  );
  await rejects(alone, { name: "TimeoutError" });
});

Deno.test("a worker imports what the configuration of its jobs' project names", async () => {
  using project = temporaryFolder();
  const write = (name: string, text: string) =>
    Deno.writeTextFile(join(project.path, name), text);
  await Deno.mkdir(join(project.path, "jobs"));
  await write("deno.json", JSON.stringify({ imports: { ten: "./ten.ts" } }));
  await write("ten.ts", "export const ten = 10;");
  await write(
    "jobs/scaling.ts",
    `import { ten } from "ten";
    export const createJobs = () => Promise.resolve({
      jobs: { scale: (n: number) => Promise.resolve(ten * n) },
      release: () => Promise.resolve(),
    });`,
  );
  const url = pathToFileURL(join(project.path, "jobs/scaling.ts")).href;
  const worker = await ProcessWorker.create<
    { scale: { input: number; output: number } }
  >({ url, setup: null });
  equal(await worker.run("scale", 4), 40);
  await worker.release();
});
