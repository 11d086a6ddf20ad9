import { createHash, type Hash } from "node:crypto";

/** One file of a repository, as `trees/<commit>.json` of the cache keeps it. */
export interface RepoFile {
  size: number;
  /** Its hash in git: of the content, or of the pointer where LFS has that. */
  "blob_id": string;
  /** The content's hash where LFS has it. */
  "lfs_sha256"?: string;
  "lfs_size"?: number;
  "xet_hash"?: string;
}

/** The files of a repository at one commit, by path. */
export type Tree = Record<string, RepoFile>;

/** A revision that is a commit, whose content never changes. */
export const COMMIT = /^[0-9a-f]{40}$/;

/** The name of a file's content: its sha256 where LFS has it, else its hash in git. */
export function contentHash(file: RepoFile): string {
  return file.lfs_sha256 ?? file.blob_id;
}

/** Starts git's hash of a content of that size. */
export function gitHasher(size: number): Hash {
  return createHash("sha1").update(`blob ${size}\0`);
}

/** A content, or the `file:` URL of one: `@huggingface/hub` takes both. */
export type PushContent = Blob | URL;

/** Size and hashes of a content. */
export interface Fingerprint {
  readonly size: number;
  readonly sha256: string;
  /** Its hash in git. */
  readonly git: string;
}

/** Reads a content once, in pieces, for its size and hashes. */
export async function fingerprint(content: PushContent): Promise<Fingerprint> {
  const { size } = content instanceof URL ? await Deno.stat(content) : content;
  const sha256 = createHash("sha256");
  const git = gitHasher(size);
  const pieces = content instanceof URL
    ? (await Deno.open(content)).readable
    : content.stream();
  for await (const piece of pieces) {
    sha256.update(piece);
    git.update(piece);
  }
  return { size, sha256: sha256.digest("hex"), git: git.digest("hex") };
}

/** Whether a tree has this content at this path. */
export function hasContent(
  tree: Tree,
  { path, sha256, git }: Fingerprint & { path: string },
): boolean {
  const file = tree[path];
  return file !== undefined &&
    contentHash(file) === (file.lfs_sha256 === undefined ? git : sha256);
}

/**
 * Checks a file as somebody else describes it.
 *
 * @throws if its size or a hash is malformed.
 */
export function checkedFile(path: string, file: RepoFile): RepoFile {
  const { size, blob_id: gitHash, lfs_sha256: lfsHash, lfs_size: lfsSize } =
    file;
  const wrong = (name: string, value: unknown, expected: string) =>
    new Error(
      `"${path}" has the ${name} ${
        JSON.stringify(value)
      }, expected ${expected}`,
    );
  if (!Number.isSafeInteger(size) || size < 0) {
    throw wrong("size", size, "a whole number of bytes");
  }
  if (!/^[0-9a-f]{40}$/.test(gitHash)) {
    throw wrong("git hash", gitHash, "40 hexadecimal digits");
  }
  if (lfsHash === undefined) return file;
  if (!/^[0-9a-f]{64}$/.test(lfsHash)) {
    throw wrong("sha256", lfsHash, "64 hexadecimal digits");
  }
  if (lfsSize !== size) throw wrong("LFS size", lfsSize, String(size));
  return file;
}

/**
 * Checks a relative path that the Hub names.
 *
 * @throws if it could lead out of the folder to which it is joined.
 */
export function safePath(path: string): string {
  const isOdd = path.split("/").some((name) =>
    ["", ".", ".."].includes(name) || /[\\:\p{Cc}]/u.test(name)
  );
  if (isOdd) {
    throw new Error(
      `Cannot use ${JSON.stringify(path)} as a path in the Hub cache`,
    );
  }
  return path;
}
