import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { fetchBlob } from "./blob.ts";
import { blobPath, hasSize, linkBlob, unwritable, writeRef } from "./cache.ts";
import { type FileProgress, type Repo, tallyOf, titleOf } from "./repo.ts";
import { orNull } from "../files/missing.ts";
import { contentHash, type RepoFile, type Tree } from "./tree.ts";

/** Options for {@linkcode fetchFiles}. */
export interface FetchOptions {
  /** Called as a file arrives, from what was here of it to all. */
  onFile?: (progress: FileProgress) => void;
  /**
   * Files that are downloaded at once.
   *
   * @default 4
   */
  parallel?: number;
}

/** Files of one commit. */
export interface Commit {
  readonly commit: string;
  readonly tree: Tree;
}

/**
 * Downloads contents; once all are there links them and notes the commit.
 *
 * @param paths files of the tree that are not here.
 */
export async function fetchFiles(
  repo: Repo,
  paths: readonly string[],
  { commit, tree, ...options }: FetchOptions & Commit,
): Promise<void> {
  const { folder, revision } = repo;
  const hashes = paths.map((path) => [contentHash(tree[path]!), path] as const);
  const contents = [...new Map(hashes).values()];
  if (contents.length > 0) {
    await checkRoom(repo, contents.map((path) => tree[path]!));
    await fetchBlobs(repo, contents, { commit, tree, ...options });
  }
  for (const path of paths) {
    await linkBlob(folder, tree[path]!, { commit, path });
  }
  if (revision === commit) return;
  await writeRef(folder, revision, commit).catch((error) => {
    // A cache that cannot be written serves what it has.
    if (paths.length > 0) throw error;
  });
}

async function fetchBlobs(
  repo: Repo,
  paths: readonly string[],
  { commit, tree, onFile, parallel = 4 }: FetchOptions & Commit,
): Promise<void> {
  const sizes = paths.map((path) => ({ path, size: tree[path]!.size }));
  const tally = tallyOf(sizes, onFile);
  await pooled(paths, {
    width: parallel,
    task: async (path, signal) => {
      const onBytes = (bytes: number) => tally.here(path, bytes);
      const wanted = { path, commit, file: tree[path]! };
      await fetchBlob(repo, wanted, { signal, onBytes }).catch((cause) => {
        const what = `"${path}" of ${titleOf(repo)}`;
        throw new Error(`Cannot pull ${what}: ${cause.message}`, { cause });
      });
      tally.whole(path);
    },
  });
}

/** Refuses to begin what the disk has no room for. */
async function checkRoom(
  repo: Repo,
  files: readonly RepoFile[],
): Promise<void> {
  const { folder } = repo;
  let needed = 0;
  for (const file of files) {
    const blob = blobPath(folder, file);
    if (await hasSize(blob, file.size)) continue;
    const left = await orNull(Deno.stat(`${blob}.incomplete`));
    needed += Math.max(0, file.size - (left?.size ?? 0));
  }
  await Deno.mkdir(join(folder, "blobs"), { recursive: true })
    .catch((error) => {
      throw unwritable(error);
    });
  const { bavail, bsize, blocks } = await statfs(folder);
  // Not every file system knows how much it has.
  if (blocks === 0 || needed <= bavail * bsize) return;
  throw new Error(
    `Cannot pull ${
      titleOf(repo)
    }: ${needed} bytes are to come, and ${folder} ` +
      `has room for ${bavail * bsize}; HF_HUB_CACHE names another place`,
  );
}

/** Options for {@linkcode pooled}. */
export interface PoolOptions<T> {
  /** How many tasks go on at once. */
  readonly width: number;
  /** The signal tells that another task has failed. */
  readonly task: (item: T, signal: AbortSignal) => Promise<void>;
}

/**
 * Does a task for each item, some at once.
 *
 * @throws what the first task that fails throws, once all have ended.
 */
export async function pooled<T>(
  items: readonly T[],
  { width, task }: PoolOptions<T>,
): Promise<void> {
  const stop = new AbortController();
  const left = items.values();
  const work = async () => {
    for (const item of left) {
      if (stop.signal.aborted) return;
      await task(item, stop.signal);
    }
  };
  const workers = Array.from(
    { length: Math.min(width, items.length) },
    () => work().catch((error) => stop.abort(error)),
  );
  await Promise.all(workers);
  stop.signal.throwIfAborted();
}
