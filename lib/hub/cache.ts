/**
 * One repository in the Hub's cache on disk, in the layout that Python's
 * `huggingface_hub` writes and reads:
 *
 *     models--org--name/
 *       refs/<revision>               the commit of a branch or tag
 *       trees/<commit>.json           the files of the repository at a commit
 *       blobs/<sha256 or git sha1>    contents, by hash
 *       snapshots/<commit>/<path>     links into blobs
 *
 * A blob gets its name once its size and hash are right; links and ref follow
 * once all blobs are there, so a pull that breaks off looks unfinished.
 */
import { dirname, join, relative, sep } from "node:path";
import { type Writer, writeWhole } from "../files/atomic.ts";
import { orNull } from "../files/missing.ts";
import {
  checkedFile,
  COMMIT,
  contentHash,
  type RepoFile,
  safePath,
  type Tree,
} from "./tree.ts";

/** The folder of a commit's files, or the path of one of them. */
export function snapshotPath(
  folder: string,
  commit: string,
  path?: string,
): string {
  const snapshot = join(folder, "snapshots", commit);
  return path === undefined ? snapshot : join(snapshot, safePath(path));
}

/** A revision in the cache. */
export interface CachedTree {
  readonly commit: string;
  readonly tree: Tree;
  /** Whether the tree is the Hub's listing, not only the files in the cache. */
  readonly isListed: boolean;
}

/** The files of a revision when it was pulled; null if it never was. */
export async function cachedTree(
  folder: string,
  revision: string,
): Promise<CachedTree | null> {
  const commit = COMMIT.test(revision)
    ? revision
    : await readRef(folder, revision);
  if (commit === null) return null;
  const listed = await readTree(folder, commit);
  const tree = listed ?? await readSnapshot(folder, commit);
  return tree && { commit, tree, isListed: listed !== null };
}

async function readRef(
  folder: string,
  revision: string,
): Promise<string | null> {
  const path = join(folder, "refs", safePath(revision));
  return (await orNull(Deno.readTextFile(path)))?.trim() ?? null;
}

/** Records the commit of a revision, unless the cache has it. */
export async function writeRef(
  folder: string,
  revision: string,
  commit: string,
): Promise<void> {
  if (await readRef(folder, revision) === commit) return;
  const path = join(folder, "refs", safePath(revision));
  await writeCached(path, (temporary) => Deno.writeTextFile(temporary, commit));
}

const treePath = (folder: string, commit: string) =>
  join(folder, "trees", `${commit}.json`);

/** The listing of a commit, which never changes, or null where none is kept. */
export async function readTree(
  folder: string,
  commit: string,
): Promise<Tree | null> {
  const text = await orNull(Deno.readTextFile(treePath(folder, commit)));
  if (text === null) return null;
  try {
    const { format_version: version, files } = JSON.parse(text);
    if (version !== 1) return null;
    for (const path in files) checkedFile(path, files[path]);
    return files;
  } catch {
    return null; // a damaged copy is as good as none
  }
}

/**
 * The files of a commit that lie in the cache, where older tools kept no
 * listing; null for none.
 */
async function readSnapshot(
  folder: string,
  commit: string,
): Promise<Tree | null> {
  const paths = await filesUnder(snapshotPath(folder, commit));
  const files = paths.map(async (path) => {
    const { size } = await Deno.stat(snapshotPath(folder, commit, path));
    return [path, { size, blob_id: "" }];
  });
  return paths.length > 0 ? Object.fromEntries(await Promise.all(files)) : null;
}

/** Keeps the listing of a commit. */
export async function writeTree(
  folder: string,
  commit: string,
  files: Tree,
): Promise<void> {
  const text = JSON.stringify({ format_version: 1, files }, null, 1);
  const path = treePath(folder, commit);
  await writeCached(path, (temporary) => Deno.writeTextFile(temporary, text));
}

/** The paths of all files in a folder and below, without dangling links. */
export async function filesUnder(folder: string, base = ""): Promise<string[]> {
  const paths: string[] = [];
  const entries = await orNull(Array.fromAsync(Deno.readDir(folder))) ?? [];
  for (const { name, isDirectory } of entries) {
    const path = join(folder, name);
    if (isDirectory) {
      paths.push(...await filesUnder(path, `${base}${name}/`));
    } else if ((await orNull(Deno.stat(path)))?.isFile) {
      paths.push(base + name);
    }
  }
  return paths;
}

/** The paths whose file is missing from the cache, or has another size. */
export async function missingFiles(
  folder: string,
  { commit, tree }: { commit: string; tree: Tree },
  paths: readonly string[],
): Promise<string[]> {
  const have = await Promise.all(paths.map(async (path) => {
    const file = snapshotPath(folder, commit, path);
    return await hasSize(file, tree[path]?.size) &&
      await isInCache(folder, file);
  }));
  return paths.filter((_, i) => !have[i]);
}

/** Whether a path leads to a content of the cache, not by a link elsewhere. */
async function isInCache(folder: string, path: string): Promise<boolean> {
  const target = await Deno.realPath(path);
  // Newer tools in Python share some contents between all repositories.
  const shared = join(dirname(folder), "blobs");
  for (const home of [folder, join(folder, "blobs"), shared]) {
    const real = await orNull(Deno.realPath(home));
    if (real !== null && target.startsWith(real + sep)) return true;
  }
  return false;
}

/** Whether a file exists and has this size. */
export async function hasSize(path: string, size?: number): Promise<boolean> {
  return (await orNull(Deno.stat(path)))?.size === size;
}

/** The path of a file's content. */
export function blobPath(folder: string, file: RepoFile): string {
  return join(folder, "blobs", safePath(contentHash(file)));
}

/** Links a file of a snapshot to its content. */
export async function linkBlob(
  folder: string,
  file: RepoFile,
  { commit, path }: { commit: string; path: string },
): Promise<void> {
  const blob = blobPath(folder, file);
  const pointer = snapshotPath(folder, commit, path);
  const target = relative(dirname(pointer), blob);
  await writeCached(pointer, async (temporary) => {
    if (!await isInCache(folder, dirname(pointer))) {
      throw new Error(
        `Cannot write "${path}" to the Hub cache: ${
          dirname(pointer)
        } leads elsewhere`,
      );
    }
    // A hard link where the system refuses a symbolic one.
    await Deno.symlink(target, temporary)
      .catch(() => Deno.link(blob, temporary));
  });
}

async function writeCached(path: string, write: Writer): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await writeWhole(path, write);
  } catch (cause) {
    throw cacheError(cause);
  }
}

/** Words a system error as one of the cache; returns others as they are. */
export function cacheError(cause: unknown): unknown {
  if (!isSystemError(cause)) return cause;
  return new Error(
    `Cannot write the Hub cache: ${cause.message}; set HF_HUB_CACHE to another folder`,
    { cause },
  );
}

/** Whether it is a full disk, a missing permission or the like. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && /\(os error \d+\)/.test(error.message);
}
