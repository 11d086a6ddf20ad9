import { basename, dirname, join, resolve } from "node:path";
import { IDENTITY } from "../experiment/identity.ts";
import { orNull } from "../files/missing.ts";
import { LOCK } from "../run/running.ts";

/** A folder to watch. */
export interface WatchedFolder {
  readonly kind: "training" | "experiment" | "unfinished experiment";
  readonly folder: string;
}

/** Names of files of which a run of training has one from its first moment. */
const OURS = [LOCK, "metrics.jsonl", "run.json"];

/** Folders below those that are named: deeper ones are not results. */
const DEPTH = 6;

/**
 * Finds runs, finished or not, in folders and the folders in them. Folders that
 * are missing or cannot be read hold none, and links are not followed.
 */
export async function findWatched(
  folders: readonly string[],
): Promise<WatchedFolder[]> {
  const found = new Map<string, WatchedFolder>();
  for (const folder of folders.map((folder) => resolve(folder))) {
    const part = join(dirname(folder), `.${basename(folder)}.part`);
    const unfinished = await unfinishedIn(part);
    const all = [...unfinished, ...await watchedIn(folder, DEPTH)];
    for (const each of all) found.set(each.folder, each);
  }
  return [...found.values()];
}

async function watchedIn(
  folder: string,
  depth: number,
): Promise<WatchedFolder[]> {
  const entries = await entriesOf(folder);
  const names = new Set(entries.map(({ name }) => name));
  if (names.has(IDENTITY)) return [{ kind: "experiment", folder }];
  if (OURS.some((name) => names.has(name))) {
    return [{ kind: "training", folder }];
  }
  if (depth === 0) return [];
  const found: WatchedFolder[] = [];
  for (const { name, isDirectory } of entries) {
    const path = join(folder, name);
    if (/^\..+\.part$/.test(name)) found.push(...await unfinishedIn(path));
    else if (isDirectory && !/^\.|^node_modules$/.test(name)) {
      found.push(...await watchedIn(path, depth - 1));
    }
  }
  return found;
}

/** An unfinished experiment, and those of its runs that can be followed. */
async function unfinishedIn(folder: string): Promise<WatchedFolder[]> {
  const isThere = await orNull(Deno.stat(join(folder, IDENTITY)));
  if (!isThere) return [];
  const live = await watchedIn(join(folder, "live"), 1);
  return [{ kind: "unfinished experiment", folder }, ...live];
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  } catch {
    return []; // It may appear, or be somebody else's.
  }
}
