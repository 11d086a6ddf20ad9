import process from "node:process";
import { type Bench, LocalBench } from "./bench.ts";
import type { Reply, Request } from "./remote_bench.ts";

// The program of a process that works for another; see RemoteBench.

let bench: Promise<Bench> | undefined;

process.on("message", async (request: Request) => {
  let reply: Reply;
  try {
    reply = { value: await answer(request) };
  } catch (error) {
    reply = { error };
  }
  process.send?.(reply);
});

async function answer(request: Request): Promise<unknown> {
  if (request.task === "create") {
    bench = LocalBench.create(request.options);
    return void await bench;
  }
  const own = (await bench)!;
  switch (request.task) {
    case "measureReference":
      return own.measureReference();
    case "prepare":
      return own.prepare(request.seed);
    case "run":
      return own.run(request.spec, request.data);
    case "release":
      return own.release();
  }
}
