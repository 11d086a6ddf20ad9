import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { fetchBlob } from "./blob.ts";
import { orNull } from "../files/missing.ts";
import { blobPath, cacheError, hasSize, linkBlob, writeRef } from "./cache.ts";
import { type FileProgress, fileTally } from "./progress.ts";
import { type Repo, titleOf } from "./repo.ts";
import { contentHash, type RepoFile, type Tree } from "./tree.ts";

/** Options for {@linkcode fetchFiles}. */
export interface FetchOptions {
  /** Called as a file arrives, first with the bytes that the cache has. */
  onFile?: (progress: FileProgress) => void;
  /** The number of files to download at once. @default 4 */
  parallel?: number;
}

/** Files of one commit. */
export interface Commit {
  readonly commit: string;
  readonly tree: Tree;
}

/**
 * Downloads contents; once all are there, links them and records the commit.
 *
 * @param paths files of the tree that the cache lacks.
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
    await checkSpace(repo, contents.map((path) => tree[path]!));
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
  const tally = fileTally(sizes, onFile);
  await pooled(paths, {
    width: parallel,
    task: async (path, signal) => {
      const onBytes = (bytes: number) => tally.update(path, bytes);
      const wanted = { path, commit, file: tree[path]! };
      await fetchBlob(repo, wanted, { signal, onBytes }).catch((cause) => {
        const title = `"${path}" of ${titleOf(repo)}`;
        throw new Error(`Cannot pull ${title}: ${cause.message}`, { cause });
      });
      tally.finish(path);
    },
  });
}

/** Refuses to begin a download for which the disk has no space. */
async function checkSpace(
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
      throw cacheError(error);
    });
  const { bavail, bsize, blocks } = await statfs(folder);
  // Not every file system knows its size.
  if (blocks === 0 || needed <= bavail * bsize) return;
  throw new Error(
    `Cannot pull ${titleOf(repo)}: it needs ${needed} bytes, and ${folder} ` +
      `has space for ${bavail * bsize}; set HF_HUB_CACHE to another folder`,
  );
}

/**
 * Runs a task for each item, `width` at once. Its signal aborts when another
 * task has failed.
 *
 * @throws the error of the first task that fails, once all have ended.
 */
export async function pooled<T>(
  items: readonly T[],
  { width, task }: {
    width: number;
    task: (item: T, signal: AbortSignal) => Promise<void>;
  },
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
