/**
 * One repository in the Hub's cache on disk, in the layout that Python's
 * `huggingface_hub` writes and reads:
 *
 *     models--org--name/
 *       refs/<revision>               the commit where a branch or tag stood
 *       trees/<commit>.json           what the repository holds at a commit
 *       blobs/<sha256 or git sha1>    contents, by hash
 *       snapshots/<commit>/<path>     links into blobs
 *
 * A blob gets its name once its size and hash are right; when all blobs that
 * are wanted are there, links and ref follow: whatever breaks off looks
 * unfinished.
 */
import { dirname, join, relative, sep } from "node:path";
import { orNull } from "../files/missing.ts";
import {
  checkedFile,
  COMMIT,
  contentHash,
  inside,
  type RepoFile,
  type Tree,
} from "./tree.ts";

/** The folder of a commit's files, or the place of one of them. */
export function snapshotPath(
  folder: string,
  commit: string,
  path?: string,
): string {
  const snapshot = join(folder, "snapshots", commit);
  return path === undefined ? snapshot : join(snapshot, inside(path));
}

/** What the cache knows of a revision. */
export interface CachedTree {
  readonly commit: string;
  readonly tree: Tree;
  /** Whether that is the Hub's listing and not only what happens to be here. */
  readonly isListed: boolean;
}

/** What a revision held when it was pulled, or null. */
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
  const path = join(folder, "refs", inside(revision));
  return (await orNull(Deno.readTextFile(path)))?.trim() ?? null;
}

/** Notes the commit of a revision, unless that is noted. */
export async function writeRef(
  folder: string,
  revision: string,
  commit: string,
): Promise<void> {
  if (await readRef(folder, revision) === commit) return;
  await place(
    join(folder, "refs", inside(revision)),
    (path) => Deno.writeTextFile(path, commit),
  );
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
    return null; // a spoilt copy is as good as none
  }
}

/** What is here of a commit whose listing was not kept, as older tools do; null for nothing. */
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
  await place(
    treePath(folder, commit),
    (path) => Deno.writeTextFile(path, text),
  );
}

/** The paths of all files in a folder and below; dangling links are none. */
export async function filesUnder(folder: string, base = ""): Promise<string[]> {
  const found: string[] = [];
  const entries = await orNull(Array.fromAsync(Deno.readDir(folder))) ?? [];
  for (const { name, isDirectory } of entries) {
    const path = join(folder, name);
    if (isDirectory) {
      found.push(...await filesUnder(path, `${base}${name}/`));
    } else if ((await orNull(Deno.stat(path)))?.isFile) {
      found.push(base + name);
    }
  }
  return found;
}

/** Those of the paths whose file is not here, or not with its size. */
export async function missingFiles(
  folder: string,
  { commit, tree }: { commit: string; tree: Tree },
  paths: readonly string[],
): Promise<string[]> {
  const have = await Promise.all(paths.map(async (path) => {
    const place = snapshotPath(folder, commit, path);
    return await hasSize(place, tree[path]?.size) &&
      await isOurs(folder, place);
  }));
  return paths.filter((_, i) => !have[i]);
}

/** Whether a path leads to contents of the cache, and not by a link elsewhere. */
async function isOurs(folder: string, path: string): Promise<boolean> {
  const target = await Deno.realPath(path);
  // Newer tools in Python keep some contents for all repositories together.
  const shared = join(dirname(folder), "blobs");
  for (const home of [folder, join(folder, "blobs"), shared]) {
    const real = await orNull(Deno.realPath(home));
    if (real !== null && target.startsWith(real + sep)) return true;
  }
  return false;
}

/** Whether a file is there and has this size. */
export async function hasSize(path: string, size?: number): Promise<boolean> {
  return (await orNull(Deno.stat(path)))?.size === size;
}

/** Where a file's content belongs. */
export function blobPath(folder: string, file: RepoFile): string {
  return join(folder, "blobs", inside(contentHash(file)));
}

/** Lets a snapshot show a content that is here. */
export async function linkBlob(
  folder: string,
  file: RepoFile,
  { commit, path }: { commit: string; path: string },
): Promise<void> {
  const blob = blobPath(folder, file);
  const pointer = snapshotPath(folder, commit, path);
  const target = relative(dirname(pointer), blob);
  await place(pointer, async (temporary) => {
    if (!await isOurs(folder, dirname(pointer))) {
      throw new Error(
        `Cannot write "${path}" to the Hub cache: ${
          dirname(pointer)
        } leads elsewhere`,
      );
    }
    // A hard link where the system gives us no symbolic one.
    await Deno.symlink(target, temporary)
      .catch(() => Deno.link(blob, temporary));
  });
}

/** Makes a file beside its place and moves it there when it is whole. */
async function place(
  path: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const id = crypto.randomUUID().slice(0, 8);
  const temporary = `${path}.${id}.incomplete`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await write(temporary);
    await Deno.rename(temporary, path);
  } catch (cause) {
    await orNull(Deno.remove(temporary));
    throw unwritable(cause);
  }
}

/** An error of the system as one that names the cache; others as they are. */
export function unwritable(cause: unknown): unknown {
  if (!isSystemError(cause)) return cause;
  return new Error(
    `Cannot write the Hub cache: ${cause.message}; HF_HUB_CACHE names another place for it`,
    { cause },
  );
}

/** Full disk, missing permission and so on, and not what a download met. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && /\(os error \d+\)/.test(error.message);
}
