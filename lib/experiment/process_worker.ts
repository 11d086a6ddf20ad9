import { type ChildProcess, spawn } from "node:child_process";
import { configFlag } from "./config_flag.ts";
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
  #process: WorkerProcess | undefined;

  private constructor(private readonly options: ProcessOptions) {}

  /** @throws whatever `createJobs` throws. */
  static async create<T extends JobTypes>(
    options: ProcessOptions,
  ): Promise<ProcessWorker<T>> {
    const worker = new ProcessWorker<T>(options);
    await worker.#start();
    return worker;
  }

  /**
   * Runs a job. If its process ends, another one tries once more.
   *
   * @throws Error where that one ends too.
   */
  async run<N extends keyof T>(
    name: N,
    input: T[N]["input"],
  ): Promise<T[N]["output"]> {
    const request = { job: String(name), input };
    try {
      return await this.#process!.answer<T[N]["output"]>(request);
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      const process = await this.#start();
      return await process.answer<T[N]["output"]>(request);
    }
  }

  async release(): Promise<void> {
    const status = await this.#process?.end() ?? 0;
    if (status === 0 || this.options.signal?.aborted) return;
    throw new ProcessEnded(status);
  }

  async #start(): Promise<WorkerProcess> {
    const { url, setup, signal } = this.options;
    signal?.throwIfAborted();
    const process = new WorkerProcess(this.options);
    this.#process = process;
    try {
      await process.answer<void>({ url, setup });
      return process;
    } catch (error) {
      await process.end();
      throw error;
    }
  }
}

/** What a worker's process is made from. */
export interface ProcessOptions {
  /** The module whose `createJobs` takes the setup. */
  readonly url: string;
  readonly setup: unknown;
  /** Ends the process at once. */
  readonly signal?: AbortSignal | undefined;
}

/** A process that answers requests until it ends. */
class WorkerProcess {
  readonly #child: ChildProcess;
  /** Its exit status or the signal that ended it. */
  readonly #ended: Promise<number | string>;

  constructor({ url, signal }: ProcessOptions) {
    const program = import.meta.resolve("./worker_process.ts");
    const args = ["run", "-A", ...configFlag(url), program, `${Deno.pid}`];
    const child = spawn(Deno.execPath(), args, {
      serialization: "advanced",
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    });
    const kill = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", kill, { once: true });
    this.#child = child;
    this.#ended = new Promise((resolve) =>
      child.once("exit", (status, name) => {
        signal?.removeEventListener("abort", kill);
        resolve(status ?? name ?? "unknown");
      }).on("error", ({ message }) => {
        if (child.pid === undefined) resolve(message);
      })
    );
  }

  answer<R>(request: Request): Promise<R> {
    return new Promise((resolve, reject) => {
      const onMessage = (reply: Reply<R>) =>
        "error" in reply ? reject(reply.error) : resolve(reply.value);
      this.#child.once("message", onMessage);
      this.#ended.then((status) => {
        this.#child.off("message", onMessage);
        reject(new ProcessEnded(status));
      });
      if (this.#child.connected) this.#child.send(request);
    });
  }

  /**
   * Lets it release what it holds, and waits for its end.
   *
   * @returns its status; null if it had ended before.
   */
  async end(): Promise<number | string | null> {
    const isAlive = this.#child.connected;
    if (isAlive) this.#child.disconnect();
    const status = await this.#ended;
    return isAlive ? status : null;
  }
}

class ProcessEnded extends Error {
  constructor(status: number | string) {
    super(
      `A process that shares the runs ended with ${
        typeof status === "number" ? `status ${status}` : status
      }, expected an answer`,
    );
  }
}
