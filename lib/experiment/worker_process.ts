import process from "node:process";
import type { Reply, Request } from "./process_worker.ts";
import type { JobsModule, JobTable } from "./jobs.ts";

// The program of a ProcessWorker's process; its argument is its parent's id.

type UntypedJobs = Record<string, { input: unknown; output: unknown }>;

let table: JobTable<UntypedJobs> | undefined;
let isBusy = false;

process.on("message", async (request: Request) => {
  let reply: Reply;
  isBusy = true;
  try {
    reply = { value: await answer(request) };
  } catch (error) {
    reply = { error };
  }
  isBusy = false;
  process.send?.(reply, undefined, undefined, (error) => {
    if (error) Deno.exit(1); // Its parent is gone.
  });
});

// Its parent released it or is gone; then nobody wants the answer.
process.on("disconnect", async () => {
  if (!isBusy) await table?.release();
  Deno.exit();
});

// The channel may fall silent where a parent is killed.
setInterval(() => {
  if (process.ppid !== Number(process.argv[2])) Deno.exit(1);
}, 500);

async function answer(request: Request): Promise<unknown> {
  if ("job" in request) return table!.jobs[request.job]!(request.input);
  const module: JobsModule<unknown, UntypedJobs> = await import(request.url);
  table = await module.createJobs(request.setup);
}
