import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { orNull } from "../files/missing.ts";
import { blobPath, cacheError, hasSize } from "./cache.ts";
import { type CommitFile, download, type DownloadOptions } from "./download.ts";
import { type Repo, titleOf } from "./repo.ts";
import { timer, type Waiting } from "./retry.ts";
import { contentHash, gitHasher, type RepoFile } from "./tree.ts";

/** Tries for another process's lock, over a second, before its holder is told. */
const TOLD_TRIES = 5;
/** Milliseconds between them. */
const TRY_INTERVAL = 200;
/** Bytes to hash at once. */
const PIECE = 1 << 20;

/**
 * Brings a content into the cache and verifies it. Until then it grows as
 * `<hash>.incomplete`, which a later run continues; other processes that want
 * it wait.
 *
 * @throws Error if it is not what the Hub announced, or cannot be written.
 */
export async function fetchBlob(
  repo: Repo,
  wanted: CommitFile,
  { signal, onBytes }: DownloadOptions,
): Promise<void> {
  const { folder, waiting: { onWait = () => {}, sleep } } = repo;
  const { file, path } = wanted;
  const blob = blobPath(folder, file);
  const isCached = () => hasSize(blob, file.size);
  if (await isCached()) return;
  let tries = 0;
  const onHeld = () => {
    if (++tries !== TOLD_TRIES) return;
    onWait(`another process is downloading "${path}" of ${titleOf(repo)}`);
  };
  try {
    using _ = await lock(lockPath(folder, file), {
      signal,
      onHeld,
      sleep,
    });
    if (!await isCached()) {
      await downloadBlob(repo, wanted, { signal, onBytes });
    }
  } catch (error) {
    throw cacheError(error);
  }
}

/** The lock on a content, where Python's `huggingface_hub` has it. */
function lockPath(folder: string, file: RepoFile): string {
  const locks = join(dirname(folder), ".locks", basename(folder));
  return join(locks, `${contentHash(file)}.lock`);
}

async function downloadBlob(
  repo: Repo,
  wanted: CommitFile,
  options: DownloadOptions,
): Promise<void> {
  const { file } = wanted;
  const blob = blobPath(repo.folder, file);
  const partial = `${blob}.incomplete`;
  const isResumed = await canResume(partial, file.size);
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
  const actual = await hashOf(partial, file);
  if (actual === contentHash(file)) return await Deno.rename(partial, blob);
  await Deno.remove(partial);
  // The bytes of an earlier run may be damaged: begin again at the first.
  if (isResumed) return await downloadBlob(repo, wanted, options);
  throw new Error(
    `expected ${kindOf(file)} ${contentHash(file)}, found ${actual}`,
  );
}

/** Whether an earlier run left a beginning; a file that is none is removed. */
async function canResume(partial: string, size: number): Promise<boolean> {
  const left = await orNull(Deno.lstat(partial));
  if (left === null) return false;
  if (left.isFile && left.size <= size) return true;
  await Deno.remove(partial);
  return false;
}

function kindOf(file: RepoFile): string {
  return file.lfs_sha256 === undefined ? "git hash" : "sha256";
}

/** The hash of a file on disk, of the kind that the Hub names. */
async function hashOf(path: string, file: RepoFile): Promise<string> {
  const hash = file.lfs_sha256 === undefined
    ? gitHasher(file.size)
    : createHash("sha256");
  using from = await Deno.open(path);
  const piece = new Uint8Array(PIECE);
  for (let n; (n = await from.read(piece));) hash.update(piece.subarray(0, n));
  return hash.digest("hex");
}

/**
 * Waits for the lock on a file and holds it until disposed of. Python's
 * `filelock` takes the same lock, so that tools in Python and this one wait for
 * each other: `flock`, which ends with the process, however that ends. The file
 * stays, as others may wait for it.
 *
 * @param options `onHeld` is called at each try at which another process holds
 * the lock.
 */
export async function lock(
  path: string,
  { signal, sleep = timer, onHeld = () => {} }: Pick<Waiting, "sleep"> & {
    signal?: AbortSignal;
    onHeld?: () => void;
  },
): Promise<Disposable> {
  await Deno.mkdir(dirname(path), { recursive: true });
  for (;; await sleep(TRY_INTERVAL, signal)) {
    const file = await Deno.open(path, {
      write: true,
      create: true,
      mode: 0o664,
    });
    // Without locks in the file system, two processes download a file at worst.
    const isOurs = await file.tryLock(true).catch(() => true);
    // Older tools remove a lock file when they release it.
    if (isOurs && (await file.stat()).nlink !== 0) return file;
    file.close();
    if (!isOurs) onHeld();
  }
}
