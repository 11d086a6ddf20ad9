/** Arguments of mpirun for so many processes, on however few cores, as root too. */
const OPTIONS = ["--allow-run-as-root", "--oversubscribe", "-n"];

/** Whether Open MPI's `mpirun` is here. */
export const HAS_MPIRUN = await hasMpirun();

/** A test that needs `mpirun`, and is skipped, saying so, where it is missing. */
export function mpirunTest(name: string, fn: () => Promise<void>): void {
  const ignore = !HAS_MPIRUN;
  Deno.test({
    name: `${name}${ignore ? " (no mpirun here)" : ""}`,
    ignore,
    fn,
  });
}

/** Starts so many processes of a script. */
export function spawnRanks(
  ranks: number,
  script: string,
  { args = [], ...options }: Pick<
    Deno.CommandOptions,
    "args" | "env" | "cwd"
  > = {},
): Deno.ChildProcess {
  return new Deno.Command("mpirun", {
    args: [
      ...[...OPTIONS, `${ranks}`, Deno.execPath()],
      ...["run", "-A", "--no-check", script, ...args],
    ],
    ...options,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function hasMpirun(): Promise<boolean> {
  try {
    const command = new Deno.Command("mpirun", { args: ["--version"] });
    const { stdout } = await command.output();
    return new TextDecoder().decode(stdout).includes("Open MPI");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
