import { Buffer } from "node:buffer";
import {
  record,
  refuse,
  ROUTES,
  type StoredFile,
  type StoredRepo,
  storedText,
} from "./loopback_commit_routes.ts";
import { sha256 } from "./loopback_files.ts";

/** The token that may write. */
export const TOKEN = "hf_writer";

/** A request as it came in. */
export interface Logged {
  readonly host: "hub" | "storage";
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
}

/**
 * A Hub on this machine that takes repositories, branches, commits and pull
 * requests, with a storage of large files on another port, as
 * `huggingface_hub` and `@huggingface/hub` speak to them: preupload, LFS batch,
 * PUT whole or in parts, commit as NDJSON.
 */
export class LoopbackHubCommits implements AsyncDisposable {
  readonly repos = new Map<string, StoredRepo>();
  /** Large files by SHA-256. */
  readonly storage = new Map<string, Uint8Array>();
  readonly log: Logged[] = [];
  /** Answers in place of the Hub where it returns something. */
  tamper: (request: Request) => Response | null | Promise<Response | null> =
    () => null;
  /** Bytes of a large file's part; less comes whole. */
  partSize = Infinity;
  readonly #parts = new Map<string, Uint8Array[]>();
  readonly #servers: Deno.HttpServer<Deno.NetAddr>[];

  constructor() {
    this.#servers = [
      this.#serve("hub", (request) => this.#answer(request)),
      this.#serve("storage", (request) => this.#store(request)),
    ];
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#servers[0]!.addr.port}`;
  }

  get #storageUrl(): string {
    return `http://127.0.0.1:${this.#servers[1]!.addr.port}`;
  }

  /** Adds a repository with files as they would be after a first commit. */
  add(
    name: string,
    files: Record<string, string> = {},
    visibility = "private",
  ): StoredRepo {
    const repo: StoredRepo = {
      visibility,
      refs: new Map(),
      commits: new Map(),
      titles: new Map(),
    };
    const stored = Object.entries({ ".gitattributes": "", ...files })
      .map(([path, text]) => [path, storedText(text)] as const);
    record(repo, { ref: "main", files: new Map(stored), title: "initial" });
    this.repos.set(name, repo);
    return repo;
  }

  /** Files of a branch, except those with which every repository begins. */
  files(name: string, ref = "main"): Map<string, StoredFile> {
    const { refs, commits } = this.repos.get(name)!;
    const files = new Map(commits.get(refs.get(ref)!));
    files.delete(".gitattributes");
    return files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }

  #serve(
    host: Logged["host"],
    answer: (request: Request) => Promise<Response>,
  ): Deno.HttpServer<Deno.NetAddr> {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    return Deno.serve(options, async (request) => {
      const { pathname, search } = new URL(request.url);
      const token = request.headers.get("authorization");
      const path = decodeURIComponent(pathname) + search;
      this.log.push({ host, method: request.method, path, token });
      const tampered = await this.tamper(request);
      if (!tampered) return await answer(request);
      if (!request.bodyUsed) await request.body?.cancel();
      return tampered;
    });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const token = request.headers.get("authorization");
    if (token !== `Bearer ${TOKEN}`) return refuse(401, "Invalid credentials");
    for (const [method, pattern, handle] of ROUTES) {
      const asked = request.method === "HEAD" ? "GET" : request.method;
      const match = method === asked && pattern.exec(pathname);
      if (!match) continue;
      const [name = "", ...rest] = match.slice(1).map(decodeURIComponent);
      return await handle(this, { request, name, rest });
    }
    return refuse(404, `no such place: ${request.method} ${pathname}`);
  }

  /** The storage: it knows the content to receive, not the sender. */
  async #store(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, oid = "", part] = pathname.split("/");
    if (request.headers.has("authorization")) return refuse(400, "two tokens");
    if (request.method === "PUT" && !request.headers.has("content-length")) {
      return refuse(411, "expected content-length");
    }
    const bytes = await request.bytes();
    const parts = this.#parts.get(oid) ?? [];
    this.#parts.set(oid, parts);
    if (part === "complete") return this.#keep(oid, joined(parts));
    if (part === undefined) return this.#keep(oid, bytes);
    parts[Number(part) - 1] = bytes;
    return new Response(null, { headers: { etag: `"${part}"` } });
  }

  #keep(oid: string, bytes: Uint8Array): Response {
    if (sha256(bytes) !== oid) return refuse(400, "BadDigest");
    this.storage.set(oid, bytes);
    return Response.json({});
  }

  /** Where to send an object; nowhere if it is there. */
  uploadActions(oid: string, size: number): object {
    if (this.storage.has(oid)) return {};
    const href = `${this.#storageUrl}/${oid}`;
    const parts = Math.ceil(size / this.partSize);
    if (!(size > this.partSize)) return { actions: { upload: { href } } };
    const urls = Array.from({ length: parts }, (_, i) => [
      String(i + 1).padStart(5, "0"),
      `${href}/${i + 1}`,
    ]);
    const header = {
      "chunk_size": String(this.partSize),
      ...Object.fromEntries(urls),
    };
    return { actions: { upload: { href: `${href}/complete`, header } } };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
