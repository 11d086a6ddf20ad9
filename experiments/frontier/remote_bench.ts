import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type {
  Bench,
  BenchOptions,
  ReferenceMeasures,
  RunOutcome,
  RunSpec,
} from "./bench.ts";
import type { SeedData } from "./seed_data.ts";

/** What a bench process is asked. */
export type Request =
  | { task: "create"; options: BenchOptions }
  | { task: "measureReference" | "release" }
  | { task: "prepare"; seed: number }
  | { task: "run"; spec: RunSpec; data: SeedData };

/** What it replies. */
export type Reply = { value: unknown } | { error: unknown };

const PROGRAM = fileURLToPath(import.meta.resolve("./bench_process.ts"));

/**
 * A bench in a process of its own, which does one task at a time. Two workers
 * of one process get in each other's way: on graphs as small as these they do
 * a fifth more than one, two processes do twice as much.
 */
export class RemoteBench implements Bench {
  private constructor(private readonly child: ChildProcess) {}

  static async create(options: BenchOptions): Promise<Bench> {
    const child = fork(PROGRAM, [], { serialization: "advanced" });
    const bench = new RemoteBench(child);
    await bench.#ask<void>({ task: "create", options });
    return bench;
  }

  measureReference(): Promise<ReferenceMeasures> {
    return this.#ask({ task: "measureReference" });
  }

  prepare(seed: number): Promise<SeedData> {
    return this.#ask({ task: "prepare", seed });
  }

  run(spec: RunSpec, data: SeedData): Promise<RunOutcome> {
    return this.#ask({ task: "run", spec, data });
  }

  async release(): Promise<void> {
    if (!this.child.connected) return;
    await this.#ask<void>({ task: "release" });
    const exit = once(this.child, "exit");
    this.child.disconnect();
    await exit;
  }

  #ask<T>(request: Request): Promise<T> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        child.off("message", onMessage).off("exit", onExit);
        end();
      };
      const onMessage = (reply: { value: T } | { error: Error }) =>
        settle(() =>
          "error" in reply ? reject(reply.error) : resolve(reply.value)
        );
      const onExit = (code: number | null) =>
        settle(() =>
          reject(
            new Error(
              `A process that shares the runs ended with status ${code}, expected an answer`,
            ),
          )
        );
      child.on("message", onMessage).on("exit", onExit).send(request);
    });
  }
}
