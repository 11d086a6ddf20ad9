import { existsSync } from "node:fs";
import type { JobTable } from "lib/experiment/jobs.ts";

/** Jobs that do little, to try workers with. */
export type ArithmeticJobs = {
  scale: { input: Float64Array; output: Float64Array };
  /** Id of the process. */
  process: { input: null; output: number };
  fail: { input: string; output: never };
  exit: { input: number; output: never };
  /** Takes a minute. */
  wait: { input: null; output: void };
  /** Ends the process where a file is missing, and leaves it. */
  exitOnce: { input: string; output: string };
};

export const { url } = import.meta;

export function createJobs(
  { factor, released }: { factor: number; released: string },
): Promise<JobTable<ArithmeticJobs>> {
  if (factor === 0) throw new RangeError("Cannot scale by 0");
  return Promise.resolve({
    jobs: {
      scale: (values) => Promise.resolve(values.map((x) => factor * x)),
      process: () => Promise.resolve(Deno.pid),
      fail: (message) => Promise.reject(new RangeError(message)),
      exit: (code) => Deno.exit(code),
      wait: () =>
        new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, 60_000))),
      exitOnce: async (path) => {
        if (existsSync(path)) return "done";
        await Deno.writeTextFile(path, "");
        Deno.exit(9);
      },
    },
    release: () => Deno.writeTextFile(released, "x", { append: true }),
  });
}
