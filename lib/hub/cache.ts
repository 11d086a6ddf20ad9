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
 * A blob gets its name once its size and hash are right; when all blobs are
 * there, listing, links and ref follow: whatever breaks off looks unfinished.
 */
import { createHash } from "node:crypto";
import { dirname, join, relative } from "node:path";

/** One file of a repository, as `trees/<commit>.json` keeps it. */
export interface RepoFile {
  size: number;
  /** Its hash in git: of the content, or of the pointer where LFS has that. */
  "blob_id": string;
  /** The content's hash where LFS has it. */
  "lfs_sha256"?: string;
  "lfs_size"?: number;
  "xet_hash"?: string;
}

/** What a repository holds at one commit, by path. */
export type Tree = Record<string, RepoFile>;

/** A revision that is a commit, whose content never changes. */
export const COMMIT = /^[0-9a-f]{40}$/;

/** The folder of a commit's files, or the place of one of them. */
export function snapshotPath(
  folder: string,
  commit: string,
  path?: string,
): string {
  const snapshot = join(folder, "snapshots", commit);
  return path === undefined ? snapshot : join(snapshot, inside(path));
}

/** What a revision held when it was pulled, or null. */
export async function cachedTree(
  folder: string,
  revision: string,
): Promise<{ commit: string; tree: Tree } | null> {
  const commit = COMMIT.test(revision)
    ? revision
    : await readRef(folder, revision);
  if (commit === null) return null;
  const tree = await readTree(folder, commit) ??
    await readSnapshot(folder, commit);
  return tree && { commit, tree };
}

async function readRef(
  folder: string,
  revision: string,
): Promise<string | null> {
  const path = join(folder, "refs", inside(revision));
  return (await ifThere(Deno.readTextFile(path)))?.trim() ?? null;
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
  const text = await ifThere(Deno.readTextFile(treePath(folder, commit)));
  if (text === null) return null;
  try {
    const stored = JSON.parse(text);
    return stored.format_version === 1 ? stored.files : null;
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
  const entries = await ifThere(Array.fromAsync(Deno.readDir(folder))) ?? [];
  for (const { name, isDirectory } of entries) {
    const path = join(folder, name);
    if (isDirectory) {
      found.push(...await filesUnder(path, `${base}${name}/`));
    } else if ((await ifThere(Deno.stat(path)))?.isFile) {
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
  const have = await Promise.all(
    paths.map((path) =>
      hasSize(snapshotPath(folder, commit, path), tree[path]?.size)
    ),
  );
  return paths.filter((_, i) => !have[i]);
}

async function hasSize(path: string, size?: number): Promise<boolean> {
  return (await ifThere(Deno.stat(path)))?.size === size;
}

/**
 * Where a file's content belongs.
 *
 * @throws if the listing has no proper hash of it.
 */
function blobPath(folder: string, file: RepoFile): string {
  const hash = file.lfs_sha256 ?? file.blob_id;
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
    throw new Error(`expected its hash, the Hub says "${hash}"`);
  }
  return join(folder, "blobs", hash);
}

/**
 * Writes a content, unless it is here, in which case it is not read.
 *
 * @throws if its size or hash is not what the listing says; nothing is left then.
 */
export async function writeBlob(
  folder: string,
  file: RepoFile,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const blob = blobPath(folder, file);
  if (await hasSize(blob, file.size)) return;
  const bytes = ReadableStream.from(verified(content, file));
  await place(blob, (path) => Deno.writeFile(path, bytes));
}

/** Passes a content on; ends with an error unless size and hash are right. */
async function* verified(
  content: AsyncIterable<Uint8Array>,
  { size, blob_id: gitHash, lfs_sha256: lfsHash }: RepoFile,
): AsyncGenerator<Uint8Array> {
  const hash = lfsHash === undefined
    ? createHash("sha1").update(`blob ${size}\0`)
    : createHash("sha256");
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > size) break;
    hash.update(chunk);
    yield chunk;
  }
  if (bytes !== size) {
    const found = bytes > size ? "more" : `only ${bytes}`;
    throw new Error(`expected ${size} bytes, found ${found}`);
  }
  const expected = lfsHash ?? gitHash;
  const found = hash.digest("hex");
  if (found !== expected) {
    const kind = lfsHash === undefined ? "git hash" : "sha256";
    throw new Error(`expected ${kind} ${expected}, found ${found}`);
  }
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
  // A hard link where the system gives us no symbolic one.
  await place(
    pointer,
    (path) => Deno.symlink(target, path).catch(() => Deno.link(blob, path)),
  );
}

/** A relative path of the Hub, once it is sure that it stays where it is put. */
function inside(path: string): string {
  const odd = path.split("/").some((name) =>
    ["", ".", ".."].includes(name) || /[\\:\0]/.test(name)
  );
  if (odd) throw new Error(`Cannot use "${path}" as a path in the Hub cache`);
  return path;
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
    await ifThere(Deno.remove(temporary));
    if (!isSystemError(cause)) throw cause;
    throw new Error(
      `Cannot write the Hub cache: ${cause.message}; HF_HUB_CACHE names another place for it`,
      { cause },
    );
  }
}

/** Full disk, missing permission and so on, and not what a download met. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "code" in error &&
    typeof error.code === "string";
}

/** What is read, or null where there is nothing. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (absent) return null;
    throw error;
  }
}
