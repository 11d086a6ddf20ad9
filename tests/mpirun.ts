const HAS_MPIRUN = await hasMpirun();

/**
 * A test that needs `mpirun`, and is skipped, saying so, where it is missing.
 *
 * @param lacking what else it needs and does not have.
 */
export function mpirunTest(
  name: string,
  fn: () => Promise<void>,
  lacking: string | null = null,
): void {
  const reason = HAS_MPIRUN ? lacking : "no Open MPI here";
  Deno.test({
    name: reason === null ? name : `${name} (${reason})`,
    ignore: reason !== null,
    fn,
  });
}

/** A script, once for each rank that has these arguments. */
export interface Ranks {
  readonly count: number;
  readonly script: string;
  readonly args?: readonly string[];
}

/** Starts ranks, on however few cores and by root, too. */
export function spawnRanks(
  ranks: readonly Ranks[],
  options: Pick<Deno.CommandOptions, "env" | "cwd"> = {},
): Deno.ChildProcess {
  const programs = ranks.map(({ count, script, args = [] }) => [
    ...["-n", `${count}`, Deno.execPath()],
    ...["run", "-A", "--no-check", script, ...args],
  ]);
  const joined = programs.flatMap((each, i) => i === 0 ? each : [":", ...each]);
  return new Deno.Command("mpirun", {
    args: ["--allow-run-as-root", "--oversubscribe", ...joined],
    ...options,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The processes that mpirun has started on this machine, by rank. */
export async function ranksOf({ pid }: Deno.ChildProcess): Promise<number[]> {
  const path = `/proc/${pid}/task/${pid}/children`;
  const children = await Deno.readTextFile(path);
  return children.trim().split(" ").map(Number);
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
