import {
  bytesOf,
  type Content,
  contentHash,
  entryOf,
  isLfs,
  isXet,
  type LoopbackFiles,
  type LoopbackRepo,
  sha256,
  xetHash,
} from "./loopback_files.ts";

/** A Hub on this machine, as far as pulling goes, and the host of its contents. */
export interface LoopbackHub extends AsyncDisposable {
  endpoint: string;
  /** The requests: `path`, before it the host if not the Hub's, behind it the token. */
  log: string[];
  /** Bytes sent of each file, whoever sent them. */
  sent: Record<string, number>;
  /** Answers in place of the Hub and the host where it returns something. */
  tamper: (
    path: string,
    request: Request,
  ) => Response | Promise<Response> | null;
  /** How bytes are sent: an error cuts the connection. */
  deliver: (bytes: Uint8Array) => AsyncIterable<Uint8Array>;
}

/** Entries on a page of a listing. */
const PAGE = 3;

/** Sends all at once. */
export async function* whole(bytes: Uint8Array) {
  yield bytes;
}

/** Cuts each connection after some bytes. */
export function cutAfter(limit: number): LoopbackHub["deliver"] {
  return async function* (bytes) {
    yield bytes.subarray(0, limit);
    if (bytes.length <= limit) return;
    // The bytes must have arrived before the connection breaks.
    await new Promise((resolve) => setTimeout(resolve, 10));
    throw new Error("cable cut");
  };
}

/** Sends the first bytes of each file, and the rest once the returned function is called. */
export function holdBack(hub: LoopbackHub, first: number): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  hub.deliver = async function* (bytes) {
    yield bytes.subarray(0, first);
    if (bytes.length <= first) return;
    await promise;
    yield bytes.subarray(first);
  };
  return resolve;
}

type Repos = Record<string, LoopbackRepo>;
type Server = Deno.HttpServer<Deno.NetAddr>;

/** @param repos by `models/org/name` or `datasets/org/name`. */
export function loopbackHub(repos: Repos): LoopbackHub {
  const stop = new AbortController();
  const hub: LoopbackHub = {
    endpoint: "",
    log: [],
    sent: {},
    tamper: () => null,
    deliver: whole,
    async [Symbol.asyncDispose]() {
      // Whatever is still being sent.
      stop.abort();
      await Promise.all([main.finished, storage.finished]);
    },
  };
  const options = { hub, signal: stop.signal };
  const storage = serve(
    options,
    "cdn",
    (request) => stored(hub, repos, request),
  );
  const main = serve(options, "", (request) => {
    const url = new URL(request.url);
    const asked = find(repos, url);
    if ("refused" in asked) return asked.refused;
    return asked.isApi
      ? apiAnswer(asked, url)
      : resolved(hub, request, { ...asked, storage: urlOf(storage) });
  });
  hub.endpoint = urlOf(main);
  return hub;
}

function urlOf({ addr }: Server): string {
  return `http://127.0.0.1:${addr.port}`;
}

/** A server that logs its requests. */
function serve(
  { hub, signal }: { hub: LoopbackHub; signal: AbortSignal },
  host: string,
  answer: (request: Request) => Response,
): Server {
  return Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal,
    onListen() {},
    // Else it prints the cables that are cut on purpose.
    onError: () => new Response("broken", { status: 500 }),
  }, (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    const token = request.headers.get("authorization") ?? "";
    const method = request.method === "GET" ? "" : request.method;
    hub.log.push(`${method} ${host} ${path} ${token}`.trim());
    return hub.tamper(path, request) ?? answer(request);
  });
}

/** A content from the host that the Hub has them on. */
function stored(hub: LoopbackHub, repos: Repos, request: Request): Response {
  const { pathname } = new URL(request.url);
  const [, repo = "", commit = "", path = ""] = decodeURIComponent(pathname)
    .match(/^\/(\w+\/[^/]+\/[^/]+)\/(\w+)\/(.*)$/) ?? [];
  const content = repos[repo]?.commits[commit]?.[path];
  return content === undefined
    ? new Response("AccessDenied", { status: 403 })
    : sending(hub, request, { path, content });
}

interface Asked {
  isApi: boolean;
  /** `models/org/name` */
  repo: string;
  verb: string;
  commit: string;
  files: LoopbackFiles;
  path: string;
}

function find(
  repos: Repos,
  url: URL,
): Asked | { refused: Response } {
  const [, api, kind = "models", name, verb = "", revision = "", path = ""] =
    /^\/(api\/)?(?:(models|datasets)\/)?([^/]+\/[^/]+)\/(revision|tree|resolve)\/([^/]+)(?:\/(.*))?$/
      .exec(url.pathname) ?? [];
  const repo = `${kind}/${name}`;
  if (!repos[repo]) return { refused: refuse(404, "RepoNotFound") };
  const asked = decodeURIComponent(revision);
  const commit = repos[repo].refs[asked] ?? asked;
  const files = repos[repo].commits[commit];
  if (!files) return { refused: refuse(404, "RevisionNotFound") };
  return {
    isApi: api !== undefined,
    repo,
    verb,
    commit,
    files,
    path: decodeURIComponent(path),
  };
}

/** An error as the Hub has it. */
export function refuse(
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ error: code }, {
    status,
    headers: { "x-error-code": code, ...headers },
  });
}

function apiAnswer({ repo, verb, commit, files }: Asked, url: URL): Response {
  if (verb === "tree") return listing(files, url);
  const id = repo.replace(/^\w+\//, "");
  const paths = Object.keys(files).filter((path) => !path.endsWith("/"));
  return Response.json({
    _id: "0123456789abcdef01234567",
    id,
    sha: commit,
    private: false,
    gated: false,
    lastModified: "2026-01-01T00:00:00.000Z",
    tags: [],
    downloads: 0,
    likes: 0,
    siblings: paths.map((rfilename) => ({ rfilename })),
  });
}

function listing(files: LoopbackFiles, url: URL): Response {
  const start = Number(url.searchParams.get("cursor"));
  const entries = Object.entries(files).slice(start, start + PAGE);
  const next = new URL(url);
  next.searchParams.set("cursor", String(start + PAGE));
  const more = start + PAGE < Object.keys(files).length;
  return Response.json(
    entries.map(([path, content]) => entryOf(path, content)),
    more ? { headers: { link: `<${next}>; rel="next"` } } : {},
  );
}

/** A file, or where it lies. */
function resolved(
  hub: LoopbackHub,
  request: Request,
  { repo, commit, files, path, storage }: Asked & { storage: string },
): Response {
  const content = files[path];
  if (content === undefined) {
    return refuse(404, "EntryNotFound", { "x-repo-commit": commit });
  }
  if (!isLfs(path)) return sending(hub, request, { path, content, commit });
  const xet = `${hub.endpoint}/api/${repo}/xet-read-token/${commit}`;
  return new Response(null, {
    status: 302,
    headers: {
      location:
        `${storage}/${repo}/${commit}/${path}?signature=${hub.log.length}`,
      "x-repo-commit": commit,
      "x-linked-size": String(bytesOf(content).length),
      "x-linked-etag": `"${sha256(content)}"`,
      ...(isXet(path) && {
        "x-xet-hash": xetHash(content),
        link: `<${xet}>; rel="xet-auth"`,
      }),
    },
  });
}

/** A content, or the part of it that a range asks for. */
function sending(
  hub: LoopbackHub,
  request: Request,
  { path, content, commit }: {
    path: string;
    content: Content;
    commit?: string;
  },
): Response {
  const bytes = bytesOf(content);
  const headers = {
    etag: `"${contentHash(path, content)}"`,
    "accept-ranges": "bytes",
    ...(commit !== undefined && { "x-repo-commit": commit }),
  };
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "") ??
    [];
  const start = Number(from ?? 0);
  if (start > 0 && start >= bytes.length) {
    const range = { "content-range": `bytes */${bytes.length}` };
    return new Response(null, {
      status: 416,
      headers: { ...headers, ...range },
    });
  }
  const rest = bytes.subarray(start);
  const body = request.method === "HEAD"
    ? null
    : ReadableStream.from(counted(hub, path, rest));
  return new Response(body, {
    status: from === undefined ? 200 : 206,
    headers: {
      ...headers,
      "content-length": String(rest.length),
      ...(from !== undefined && {
        "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
      }),
    },
  });
}

async function* counted(hub: LoopbackHub, path: string, bytes: Uint8Array) {
  for await (const chunk of hub.deliver(bytes)) {
    hub.sent[path] = (hub.sent[path] ?? 0) + chunk.length;
    yield chunk;
  }
}
