import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { blobPath, hasSize, unwritable } from "./cache.ts";
import { download, type Wanted } from "./download.ts";
import { orNull } from "../files/missing.ts";
import { type Repo, titleOf, type Waiting } from "./repo.ts";
import { contentHash, gitHasher, type RepoFile } from "./tree.ts";
import { timer } from "./refusal.ts";

/** Options for {@linkcode fetchBlob}. */
export interface BlobOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes of it that are here. */
  readonly onBytes: (bytes: number) => void;
}

/** Looks at the lock of another process, a second, before that is worth a word. */
const LOOKS = 5;
/** Bytes that are hashed at once. */
const PIECE = 1 << 20;

/**
 * Sees to it that a content is in the cache, whole and right. Until then it
 * grows as `<hash>.incomplete`, with which a later run goes on; another process
 * that wants it waits.
 */
export async function fetchBlob(
  repo: Repo,
  wanted: Wanted,
  { signal, onBytes }: BlobOptions,
): Promise<void> {
  const { folder, waiting: { onWait = () => {}, sleep } } = repo;
  const { file, path } = wanted;
  const blob = blobPath(folder, file);
  const isThere = () => hasSize(blob, file.size);
  if (await isThere()) return;
  let looks = 0;
  const onHeld = () => {
    if (++looks !== LOOKS) return;
    onWait(`another process brings "${path}" of ${titleOf(repo)}`);
  };
  try {
    using _ = await lock(lockPath(folder, file), {
      signal,
      onHeld,
      sleep,
    });
    if (!await isThere()) await downloadBlob(repo, wanted, { signal, onBytes });
  } catch (error) {
    throw unwritable(error);
  }
}

/** Where Python's `huggingface_hub` has the lock on a content. */
function lockPath(folder: string, file: RepoFile): string {
  const locks = join(dirname(folder), ".locks", basename(folder));
  return join(locks, `${contentHash(file)}.lock`);
}

async function downloadBlob(
  repo: Repo,
  wanted: Wanted,
  options: BlobOptions,
): Promise<void> {
  const { file } = wanted;
  const blob = blobPath(repo.folder, file);
  const partial = `${blob}.incomplete`;
  const isResumed = await hasBeginning(partial, file.size);
  await Deno.mkdir(dirname(partial), { recursive: true });
  {
    using to = await Deno.open(partial, { write: true, create: true });
    try {
      await download(repo, wanted, { ...options, to });
      await to.syncData();
    } catch (error) {
      if ((await to.stat()).size === 0) await Deno.remove(partial);
      throw error;
    }
  }
  const found = await hashOf(partial, file);
  if (found === contentHash(file)) return await Deno.rename(partial, blob);
  await Deno.remove(partial);
  // What an earlier run left may be spoilt: once more from the first byte.
  if (isResumed) return await downloadBlob(repo, wanted, options);
  throw new Error(
    `expected ${kindOf(file)} ${contentHash(file)}, found ${found}`,
  );
}

/** Whether an earlier run left something to go on with; anything else is removed. */
async function hasBeginning(partial: string, size: number): Promise<boolean> {
  const left = await orNull(Deno.lstat(partial));
  if (left === null) return false;
  if (left.isFile && left.size <= size) return true;
  await Deno.remove(partial);
  return false;
}

function kindOf(file: RepoFile): string {
  return file.lfs_sha256 === undefined ? "git hash" : "sha256";
}

/** The hash of what lies on disk. */
async function hashOf(path: string, file: RepoFile): Promise<string> {
  const hash = file.lfs_sha256 === undefined
    ? gitHasher(file.size)
    : createHash("sha256");
  using from = await Deno.open(path);
  const piece = new Uint8Array(PIECE);
  for (let n; (n = await from.read(piece));) hash.update(piece.subarray(0, n));
  return hash.digest("hex");
}

/** Milliseconds between looks at a lock that another holds. */
const LOOK = 200;

/** Options for {@linkcode lock}. */
export interface LockOptions extends Pick<Waiting, "sleep"> {
  signal?: AbortSignal;
  /** Called each time that another process is found to hold it. */
  onHeld?: () => void;
}

/**
 * Waits for the lock on a file and holds it until disposed of. It is the one
 * that Python's `filelock` takes, so that tools in Python and this one wait for
 * each other: `flock`, which ends with the process, whatever ends that. The
 * file stays, as others may wait at it.
 */
export async function lock(
  path: string,
  { signal, sleep = timer, onHeld = () => {} }: LockOptions,
): Promise<Disposable> {
  await Deno.mkdir(dirname(path), { recursive: true });
  for (;; await sleep(LOOK, signal)) {
    const file = await Deno.open(path, {
      write: true,
      create: true,
      mode: 0o664,
    });
    // On file systems without locks the worst is that two download the same.
    const held = await file.tryLock(true).catch(() => true);
    // Older tools remove a lock file as they let go of it.
    if (held && (await file.stat()).nlink !== 0) return file;
    file.close();
    if (!held) onHeld();
  }
}
