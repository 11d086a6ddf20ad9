import { join } from "node:path";
import { exists } from "../files/missing.ts";
import { readRecord, type RunRecord } from "../record/record.ts";
import type { Results } from "./find_results.ts";

/** A run in results. */
export interface StoredRun {
  readonly folder: string;
  readonly record: RunRecord;
}

/**
 * Reads the records of results, sorted by name: of an experiment all of them,
 * the models that its runs start from too.
 */
export async function storedRuns(
  { kind, folder }: Results,
): Promise<StoredRun[]> {
  const folders = kind === "run" ? [folder] : await runsIn(folder);
  return await Promise.all(folders.map(async (folder) => ({
    folder,
    record: await readRecord(join(folder, "run.json")),
  })));
}

async function runsIn(results: string): Promise<string[]> {
  const folders: string[] = [];
  for await (const { name } of Deno.readDir(results)) {
    const folder = join(results, name);
    if (await exists(join(folder, "run.json"))) folders.push(folder);
  }
  return folders.sort();
}
