import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JobTypes, Worker } from "./jobs.ts";

/** A message to a worker's process. */
export type Request =
  | { readonly url: string; readonly setup: unknown }
  | { readonly job: string; readonly input: unknown };

/** The reply of that process. */
export type Reply<R = unknown> =
  | { readonly value: R }
  | { readonly error: unknown };

/**
 * A worker in a process of its own. Two threads of one process get in each
 * other's way: on graphs as small as those of the experiments they do a fifth
 * more than one, two processes do twice as much.
 */
export class ProcessWorker<T extends JobTypes> implements Worker<T> {
  private constructor(private readonly child: ChildProcess) {}

  /** @param url of the module whose `createJobs` takes the setup. */
  static async create<Setup, T extends JobTypes>(
    url: string,
    setup: Setup,
  ): Promise<ProcessWorker<T>> {
    const program = import.meta.resolve("./worker_process.ts");
    const args = ["run", "-A", ...configFlag(url), program];
    const child = spawn(Deno.execPath(), args, {
      serialization: "advanced",
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    });
    const worker = new ProcessWorker<T>(child);
    try {
      await worker.#request<void>({ url, setup });
    } catch (error) {
      await worker.release();
      throw error;
    }
    return worker;
  }

  run<N extends keyof T>(
    name: N,
    input: T[N]["input"],
  ): Promise<T[N]["output"]> {
    return this.#request({ job: String(name), input });
  }

  async release(): Promise<void> {
    if (!this.child.connected) return;
    const exit = once(this.child, "exit");
    this.child.disconnect();
    const [status] = await exit;
    if (status !== 0) throw endedWith(status);
  }

  #request<R>(request: Request): Promise<R> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        child.off("message", onMessage).off("exit", onExit);
        end();
      };
      const onMessage = (reply: Reply<R>) =>
        settle(() =>
          "error" in reply ? reject(reply.error) : resolve(reply.value)
        );
      const onExit = (status: number | null) =>
        settle(() => reject(endedWith(status)));
      child.on("message", onMessage).on("exit", onExit).send(request);
    });
  }
}

/**
 * The flag for the configuration of the project that a module belongs to: Deno
 * would look for that of the program, which may be a registry's.
 */
function configFlag(url: string): string[] {
  if (!url.startsWith("file:")) return [];
  for (let folder = dirname(fileURLToPath(url));; folder = dirname(folder)) {
    const files = ["deno.json", "deno.jsonc"].map((name) => join(folder, name));
    const config = files.find(existsSync);
    if (config) return ["--config", config];
    if (folder === dirname(folder)) return [];
  }
}

function endedWith(status: number | null): Error {
  return new Error(
    `A process that shares the runs ended with status ${status}, expected an answer`,
  );
}
