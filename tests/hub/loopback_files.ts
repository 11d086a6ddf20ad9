import { createHash } from "node:crypto";
import { join } from "node:path";

export type Content = string | Uint8Array;

/** Content of each file by path; a path that ends in a slash is a folder. */
export type LoopbackFiles = Record<string, Content>;

export interface LoopbackRepo {
  /** Commit of each branch or tag. */
  refs: Record<string, string>;
  /** Files of each commit. */
  commits: Record<string, LoopbackFiles>;
}

/** The files of a folder, as a repository has them. */
export async function folderFiles(folder: string): Promise<LoopbackFiles> {
  const files: LoopbackFiles = {};
  for await (const { name } of Deno.readDir(folder)) {
    files[name] = await Deno.readFile(join(folder, name));
  }
  return files;
}

/** Whether LFS has a file, hence a storage host. */
export function isLfs(path: string): boolean {
  return /\.(safetensors|gguf)$/.test(path);
}

/** Whether the storage is of the newer kind, which deduplicates. */
export function isXet(path: string): boolean {
  return path.endsWith(".gguf");
}

export function bytesOf(content: Content): Uint8Array {
  return typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
}

export function sha256(content: Content): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The hash of a blob in git. */
export function gitHash(content: Content): string {
  const bytes = bytesOf(content);
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes)
    .digest("hex");
}

/** The pointer that git has in place of a content of LFS. */
export function pointerOf(content: Content): string {
  const oid = sha256(content);
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\n`;
}

/** The name of a content in the cache, and its ETag. */
export function contentHash(path: string, content: Content): string {
  return isLfs(path) ? sha256(content) : gitHash(content);
}

/** The hash of a content on the newer storage; made up here. */
export function xetHash(content: Content): string {
  return sha256(`xet ${sha256(content)}`);
}

/** A file as a listing of the Hub has it. */
export function entryOf(path: string, content: Content) {
  const size = bytesOf(content).length;
  if (path.endsWith("/")) {
    return {
      type: "directory",
      path: path.slice(0, -1),
      size: 0,
      oid: gitHash(""),
    };
  }
  if (!isLfs(path)) return { type: "file", path, size, oid: gitHash(content) };
  const oid = sha256(content);
  const pointer = pointerOf(content);
  const lfs = { oid, size, pointerSize: pointer.length };
  const xet = isXet(path) ? { xetHash: xetHash(content) } : {};
  return { type: "file", path, size, oid: gitHash(pointer), lfs, ...xet };
}
