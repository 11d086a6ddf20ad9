import { ALONE, type Group } from "lib/distributed/group.ts";
import { note } from "lib/cli/terminal.ts";
import { MpiGroup } from "lib/distributed/mpi.ts";

/** Milliseconds in which the first rank tells an error that all ranks have. */
const FIRST_SPEAKS = 3_000;

/**
 * Runs a program with the processes that it shares its work with. Where one
 * fails or is asked to end before all are done, all end: what they would wait
 * for does not come any more.
 *
 * @param distributed how processes find one another; undefined for one alone.
 */
export async function withGroup(
  distributed: "mpi" | undefined,
  run: (group: Group) => Promise<void>,
): Promise<void> {
  if (distributed === undefined) return await run(ALONE);
  const group = MpiGroup.join();
  if (group.rank === 0) note(`${group.size} ranks over ${group.library}`);
  const abort = () => group.abort(Deno.exitCode || 1);
  addEventListener("unload", abort);
  try {
    await run(group);
  } catch (error) {
    if (group.rank > 0) {
      await new Promise((resolve) => setTimeout(resolve, FIRST_SPEAKS));
    }
    throw ofRank(group.rank, error);
  }
  await group.end();
  removeEventListener("unload", abort);
}

/** The same error, which says whose it is. */
function ofRank(rank: number, error: unknown): unknown {
  if (error instanceof Error) error.message = `Rank ${rank}: ${error.message}`;
  return error;
}
