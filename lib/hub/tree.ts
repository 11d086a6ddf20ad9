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

/** What a repository holds at one commit, by path. */
export type Tree = Record<string, RepoFile>;

/** A revision that is a commit, whose content never changes. */
export const COMMIT = /^[0-9a-f]{40}$/;

/** The name of a file's content: its sha256 where LFS has it, else its hash in git. */
export function contentHash(file: RepoFile): string {
  return file.lfs_sha256 ?? file.blob_id;
}

/** Begins what git hashes of a content with that size. */
export function gitHasher(size: number): Hash {
  return createHash("sha1").update(`blob ${size}\0`);
}

/**
 * A file as somebody else describes it.
 *
 * @throws if it has no proper size or hash.
 */
export function checkedFile(path: string, file: RepoFile): RepoFile {
  const { size, blob_id: gitHash, lfs_sha256: lfsHash, lfs_size: lfsSize } =
    file;
  const wrong = (name: string, found: unknown, expected: string) =>
    new Error(
      `"${path}" has the ${name} ${
        JSON.stringify(found)
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

/** A relative path of the Hub, once it is sure that it stays where it is put. */
export function inside(path: string): string {
  const odd = path.split("/").some((name) =>
    ["", ".", ".."].includes(name) || /[\\:\p{Cc}]/u.test(name)
  );
  if (odd) {
    throw new Error(
      `Cannot use ${JSON.stringify(path)} as a path in the Hub cache`,
    );
  }
  return path;
}
