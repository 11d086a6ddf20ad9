import { runProgram } from "../../files/program.ts";

/** An array that waits or runs. */
export interface QueuedArray {
  readonly id: string;
  /** Number of its tasks that have not ended. */
  readonly tasks: number;
}

/**
 * Hands a script to Slurm.
 *
 * @returns the number of the job.
 * @throws Error with the reason of sbatch.
 */
export async function submit(script: string): Promise<string> {
  const line = await output("sbatch", ["--parsable"], script);
  return line.trim().split(";")[0]!; // the cluster may stand behind it
}

/**
 * The arrays of a name that wait or run, the newest last.
 *
 * @throws Error with the reason of squeue, such as that the controller is away.
 */
export async function queued(name: string): Promise<QueuedArray[]> {
  const lines = await output("squeue", [
    ...["--me", `--name=${name}`, "--array", "--noheader", "--format=%F"],
  ]);
  const ids = lines.split("\n").map((line) => line.trim()).filter(Boolean);
  return [...Map.groupBy(ids, (id) => id)]
    .map(([id, { length }]) => ({ id, tasks: length }))
    .sort((a, b) => Number(a.id) - Number(b.id));
}

/**
 * How the tasks of an array ended, such as `TIMEOUT`, by their number. The
 * controller knows it for some minutes, accounting for long; empty where
 * neither does.
 */
export async function ends(id: string): Promise<ReadonlyMap<number, string>> {
  const asked = ["--noheader", `--jobs=${id}`];
  const lines = await output("squeue", [
    ...[...asked, "--array", "--states=all", "--format=%i|%T"],
  ]).catch(() =>
    output("sacct", [
      ...[...asked, "--allocations", "--parsable2", "--format=JobID,State"],
    ])
  ).catch(() => "");
  const found = lines.matchAll(/^\s*\d+_(\d+)\|(\w+)/gm);
  return new Map([...found].map(([, task, state]) => [Number(task), state!]));
}

/** What a program of Slurm prints. */
async function output(
  program: string,
  args: readonly string[],
  input = "",
): Promise<string> {
  try {
    const printed = await runProgram(program, args, { input });
    return new TextDecoder().decode(printed);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new Error(
      `Cannot find ${program}: expected a machine from which jobs are submitted to Slurm`,
      { cause },
    );
  }
}
