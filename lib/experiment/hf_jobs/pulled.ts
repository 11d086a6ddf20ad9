import { dirname, join } from "node:path";
import { writeAtomically } from "../../files/atomic.ts";
import { snapshotPath } from "../../hub/cache.ts";
import { fetchFiles } from "../../hub/fetch_files.ts";
import { currentCommit, listTree } from "../../hub/listing.ts";
import { NoRepository } from "../../hub/refusal.ts";
import type { Repo } from "../../hub/repo.ts";
import { type Recorded, recordName } from "../records.ts";
import { isSound } from "../results_folder.ts";

/** Files of a record in the repository. */
export const FILES = ["run.json", "metrics.jsonl"];
/** File that stands for a record where the job has none. */
export const NONE = "none.txt";

/**
 * Pulls records from a data set repository into a folder.
 *
 * @param key the folder of the records in the repository.
 * @returns the wanted records that the repository does not have.
 * @throws Error where one of them is damaged or of another run.
 */
export async function pullRecords(
  repo: Repo,
  key: string,
  { wanted, folder }: { wanted: readonly Recorded[]; folder: string },
): Promise<Recorded[]> {
  const commit = await headOf(repo);
  if (commit === null) return [...wanted];
  const tree = await listTree(repo, commit);
  const pathOf = (recorded: Recorded, file: string) =>
    `${key}/${recordName(recorded)}/${file}`;
  const there = wanted.filter((each) => pathOf(each, "run.json") in tree);
  const paths = there.flatMap((each) =>
    FILES.map((file) => pathOf(each, file))
  );
  await fetchFiles(repo, paths, { commit, tree });
  const snapshot = snapshotPath(repo.folder, commit);
  for (const each of there) {
    await writeAtomically(join(folder, recordName(each)), async (to) => {
      await Deno.mkdir(to);
      for (const file of FILES) {
        await Deno.copyFile(join(snapshot, pathOf(each, file)), join(to, file));
      }
      if (await isSound(to, each)) return;
      throw new Error(`${dirname(pathOf(each, ""))} is not that record`);
    });
  }
  return wanted.filter((each) =>
    !there.includes(each) && !(pathOf(each, NONE) in tree)
  );
}

/** The newest commit; `null` where there is no repository yet. */
async function headOf(repo: Repo): Promise<string | null> {
  return await currentCommit(repo).catch((error) => {
    if (error instanceof Error && error.cause instanceof NoRepository) {
      return null;
    }
    throw error;
  });
}
