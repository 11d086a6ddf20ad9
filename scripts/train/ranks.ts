import { ALONE, type Group, GroupError } from "lib/distributed/group.ts";
import { cpus } from "node:os";
import { note, warn } from "lib/cli/terminal.ts";
import { reasonOf } from "lib/files/values.ts";
import { MpiGroup } from "lib/distributed/mpi.ts";

/** Milliseconds in which the first rank prints an error that all ranks have. */
const FIRST_SPEAKS = 3_000;

/**
 * Runs a program with the processes that it shares its work with. Where one
 * fails, the others are told and all end; where one ends without a word, the
 * launcher ends the others: what they would wait for does not come any more.
 *
 * @param options `distributed`: how processes find one another; undefined for
 * one alone.
 */
export async function withGroup(
  { distributed, threads }: {
    distributed?: "mpi" | undefined;
    threads: number;
  },
  run: (group: Group) => Promise<void>,
): Promise<void> {
  if (distributed === undefined) return await run(ALONE);
  const group = MpiGroup.join();
  if (group.rank === 0) note(`${group.size} ranks over ${group.library}`);
  const abort = () => group.abort(Deno.exitCode || 1);
  addEventListener("unload", abort);
  try {
    const crowding = crowdingOf(await ranksHere(group), threads);
    if (crowding && group.rank === 0) warn(crowding);
    await run(group);
  } catch (error) {
    await group.fail(reasonOf(error));
    if (group.rank > 0) {
      await new Promise((resolve) => setTimeout(resolve, FIRST_SPEAKS));
    }
    throw ofRank(group.rank, error);
  }
  await group.end();
  removeEventListener("unload", abort);
}

/** Number of the ranks on this machine. */
async function ranksHere(group: Group): Promise<number> {
  const hosts = await group.gather(Deno.hostname());
  return hosts.filter((host) => host === hosts[group.rank]).length;
}

/** A warning where threads of ranks share cores, or null. */
export function crowdingOf(
  ranks: number,
  threads: number,
  { own, all } = {
    own: navigator.hardwareConcurrency,
    all: cpus().length,
  },
): string | null {
  // Launchers bind ranks to cores, as mpirun does unless it is told otherwise.
  const wanted = own < all ? threads : ranks * threads;
  if (wanted <= own) return null;
  return `${wanted} threads share ${own} of ${all} cores here: give fewer ` +
    "--threads, or more cores to each rank (mpirun --map-by slot:PE=CORES, " +
    "srun --cpus-per-task=CORES)";
}

/** The same error, which says whose it is, as those of others do. */
function ofRank(rank: number, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.cause instanceof GroupError) return error;
  if (!(error instanceof GroupError)) {
    error.message = `Rank ${rank}: ${error.message}`;
  }
  return error;
}
