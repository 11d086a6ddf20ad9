import { gitHash, pointerOf, sha256 } from "./loopback_files.ts";

/** A content of a repository. */
export interface StoredFile {
  readonly bytes: Uint8Array;
  readonly lfs: boolean;
}

export interface StoredRepo {
  readonly visibility: string;
  /** Commit of each branch and pull request. */
  readonly refs: Map<string, string>;
  /** Files of each commit. */
  readonly commits: Map<string, Map<string, StoredFile>>;
  /** First lines of the messages of commits. */
  readonly titles: Map<string, string>;
}

/** The Hub that the routes answer for. */
interface Hub {
  readonly endpoint: string;
  readonly repos: ReadonlyMap<string, StoredRepo>;
  /** Large files by SHA-256. */
  readonly storage: ReadonlyMap<string, Uint8Array>;
  add(
    name: string,
    files: Record<string, string>,
    visibility: string,
  ): StoredRepo;
  uploadActions(oid: string, size: number): object;
}

/** A request that a route takes. */
interface Call {
  readonly request: Request;
  /** The repository's name. */
  readonly name: string;
  readonly rest: readonly string[];
}

type Handler = (
  hub: Hub,
  call: Call,
) => Response | Promise<Response>;

const REPO = "([^/]+/[^/]+)";
const API = `^/api/(?:models|datasets)/${REPO}`;
const PAGE = `^/(?:datasets/)?${REPO}`;
/** The Hub's answers, by method and path. */
export const ROUTES: readonly [method: string, RegExp, Handler][] = [
  ["POST", /^\/api\/repos\/create$/, create],
  ["POST", /^\/api\/validate-yaml$/, () => Response.json({})],
  ["GET", RegExp(`${API}/revision/([^/]+)$`), revision],
  ["GET", RegExp(`${API}/tree/([^/]+)$`), tree],
  ["GET", RegExp(`${PAGE}/resolve/([^/]+)/(.+)$`), resolve],
  ["POST", RegExp(`${API}/branch/([^/]+)$`), branch],
  ["POST", RegExp(`${API}/preupload/([^/]+)$`), preupload],
  ["POST", RegExp(`${PAGE}\\.git/info/lfs/objects/batch$`), batch],
  ["POST", RegExp(`${API}/commit/([^/]+)$`), commit],
];

async function create(
  hub: Hub,
  { request }: Call,
): Promise<Response> {
  const { name, organization, ...asked } = await request.json();
  const id = `${organization}/${name}`;
  if (hub.repos.has(id)) return refuse(409, "You already created this repo");
  const { visibility = asked.private ? "private" : "public" } = asked;
  hub.add(id, {}, visibility);
  return Response.json({ url: `${hub.endpoint}/${id}`, id });
}

/** Finds the commit, for those who look at one. */
function at(
  look: (call: Call & { repo: StoredRepo; commit: string }) => Response,
): Handler {
  return (hub, call) => {
    const repo = hub.repos.get(call.name);
    if (!repo) return refuse(404, "Repository not found", "RepoNotFound");
    const [asked = ""] = call.rest;
    const commit = repo.refs.get(asked) ?? asked;
    if (repo.commits.has(commit)) return look({ ...call, repo, commit });
    return refuse(404, "Invalid rev id", "RevisionNotFound");
  };
}

function revision(...given: Parameters<Handler>): ReturnType<Handler> {
  return at(({ repo: { visibility }, commit, name }) =>
    Response.json({ id: name, sha: commit, private: visibility === "private" })
  )(...given);
}

function tree(...given: Parameters<Handler>): ReturnType<Handler> {
  return at(({ repo, commit }) =>
    Response.json(Array.from(repo.commits.get(commit)!, entryOf))
  )(...given);
}

function entryOf([path, { bytes, lfs }]: [string, StoredFile]) {
  const size = bytes.length;
  if (!lfs) return { type: "file", path, size, oid: gitHash(bytes) };
  const oid = sha256(bytes);
  const pointer = pointerOf(bytes);
  return {
    type: "file",
    path,
    size,
    oid: gitHash(pointer),
    lfs: { oid, size, pointerSize: pointer.length },
  };
}

function resolve(...given: Parameters<Handler>): ReturnType<Handler> {
  return at(({ repo, commit, rest: [, path = ""] }) => {
    const file = repo.commits.get(commit)!.get(path);
    if (!file) return refuse(404, "Entry not found", "EntryNotFound");
    const { bytes, lfs } = file;
    const headers = {
      "content-length": String(bytes.length),
      etag: `"${lfs ? sha256(bytes) : gitHash(bytes)}"`,
      "x-repo-commit": commit,
    };
    return new Response(bytes.slice(), { headers });
  })(...given);
}

async function branch(
  hub: Hub,
  { request, name, rest: [ref = ""] }: Call,
): Promise<Response> {
  const { refs } = hub.repos.get(name)!;
  const { startingPoint } = await request.json();
  if (refs.has(ref)) return refuse(409, "Reference already exists");
  refs.set(ref, startingPoint);
  return Response.json({});
}

async function preupload(
  hub: Hub,
  { request, name, rest: [ref = ""] }: Call,
): Promise<Response> {
  if (!hub.repos.get(name)?.refs.has(ref)) return refuse(404, "no such rev");
  const { files } = await request.json();
  return Response.json({
    files: files.map(({ path }: { path: string }) => ({
      path,
      uploadMode: /\.(safetensors|png)$/.test(path) ? "lfs" : "regular",
      shouldIgnore: false,
    })),
  });
}

async function batch(
  hub: Hub,
  { request }: Call,
): Promise<Response> {
  const { objects } = await request.json();
  const answers = objects.map((
    { oid, size }: { oid: string; size: number },
  ) => ({ oid, size, ...hub.uploadActions(oid, size) }));
  const body = JSON.stringify({ transfer: "basic", objects: answers });
  const headers = { "content-type": "application/vnd.git-lfs+json" };
  return new Response(body, { headers });
}

interface Line {
  readonly key: string;
  readonly value: {
    readonly summary?: string;
    readonly parentCommit?: string;
    readonly path: string;
    readonly content: string;
    readonly oid: string;
    readonly size: number;
  };
}

async function commit(
  hub: Hub,
  { request, name, rest: [ref = ""] }: Call,
): Promise<Response> {
  const repo = hub.repos.get(name)!;
  const text = await request.text();
  const lines: Line[] = text.trim().split("\n").map((line) => JSON.parse(line));
  const header = lines.find(({ key }) => key === "header")!.value;
  const head = repo.refs.get(ref)!;
  const asks = new URL(request.url).searchParams.has("create_pr");
  const { parentCommit = head, summary = "" } = header;
  if (!asks && parentCommit !== head) {
    return refuse(412, "A commit has happened since. Please refresh.");
  }
  const files = new Map(repo.commits.get(parentCommit));
  for (const { key, value: { path, content, oid, size } } of lines) {
    if (key === "file") {
      files.set(path, { bytes: Uint8Array.fromBase64(content), lfs: false });
    }
    if (key !== "lfsFile") continue;
    const bytes = hub.storage.get(oid);
    if (bytes?.length !== size) return refuse(400, `no LFS object for ${path}`);
    files.set(path, { bytes, lfs: true });
  }
  const pulls = [...repo.refs.keys()].filter((ref) =>
    ref.startsWith("refs/pr")
  );
  const target = asks ? `refs/pr/${pulls.length + 1}` : ref;
  const commitOid = record(repo, { ref: target, files, title: summary });
  const at = `${hub.endpoint}/${name}`;
  return Response.json({
    success: true,
    commitOid,
    commitUrl: `${at}/commit/${commitOid}`,
    hookOutput: "",
    ...asks && { pullRequestUrl: `${at}/discussions/${pulls.length + 1}` },
  });
}

/** Makes a commit, to which a branch moves. */
export function record(
  repo: StoredRepo,
  { ref, files, title }: {
    ref: string;
    files: Map<string, StoredFile>;
    title: string;
  },
): string {
  const oid = repo.commits.size.toString().padStart(40, "c");
  repo.commits.set(oid, files);
  repo.titles.set(oid, title);
  repo.refs.set(ref, oid);
  return oid;
}

/** An error as the Hub has it, with its own words. */
export function refuse(status: number, error: string, code?: string): Response {
  const headers = code === undefined ? {} : { "x-error-code": code };
  return Response.json({ error }, { status, headers });
}

export function storedText(text: string): StoredFile {
  return { bytes: new TextEncoder().encode(text), lfs: false };
}
