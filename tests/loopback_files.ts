import { createHash } from "node:crypto";

/** Text of each file by path; a path that ends in a slash is a folder. */
export type LoopbackFiles = Record<string, string>;

export interface LoopbackRepo {
  /** Commit of each branch or tag. */
  refs: Record<string, string>;
  /** Files of each commit. */
  commits: Record<string, LoopbackFiles>;
}

/** Whether LFS has a file, hence a storage host. */
export function isLfs(path: string): boolean {
  return /\.(safetensors|gguf)$/.test(path);
}

/** Whether the storage is of the newer kind, which deduplicates. */
export function isXet(path: string): boolean {
  return path.endsWith(".gguf");
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What git calls a blob. */
export function gitHash(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes)
    .digest("hex");
}

/** What names a content in the cache, and as ETag. */
export function contentHash(path: string, text: string): string {
  return isLfs(path) ? sha256(text) : gitHash(text);
}

/** A file as a listing of the Hub has it. */
export function entryOf(path: string, text: string) {
  const size = new TextEncoder().encode(text).length;
  if (path.endsWith("/")) {
    return {
      type: "directory",
      path: path.slice(0, -1),
      size: 0,
      oid: gitHash(""),
    };
  }
  if (!isLfs(path)) return { type: "file", path, size, oid: gitHash(text) };
  const oid = sha256(text);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid ${oid}\n`;
  const lfs = { oid, size, pointerSize: pointer.length };
  const xet = isXet(path) ? { xetHash: sha256(`xet ${text}`) } : {};
  return { type: "file", path, size, oid: gitHash(pointer), lfs, ...xet };
}
