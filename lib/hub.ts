/**
 * Models and data by name: a local path stays what it is, a Hub id is pulled
 * into the Hub's own cache, where Python tools find it and from where what
 * they pulled serves here.
 *
 * `@huggingface/hub` says what a repository holds. Its downloads are not used:
 * they check nothing, fail on empty files and print.
 */
import {
  datasetInfo,
  type ListFileEntry,
  listFiles,
  modelInfo,
} from "@huggingface/hub";
import { join } from "node:path";
import {
  cachedTree,
  COMMIT,
  linkBlob,
  missingFiles,
  readTree,
  type RepoFile,
  snapshotPath,
  type Tree,
  writeBlob,
  writeRef,
  writeTree,
} from "./hub/cache.ts";
import { parseHubId } from "./hub/id.ts";
import { localData, localModel } from "./hub/local.ts";
import { send } from "./hub/network.ts";
import { NoRevision, refusal, Unreachable } from "./hub/refusal.ts";
import { type Repo, repoFor, type RepoOptions, titleOf } from "./hub/repo.ts";
import { CONVERTED, dataFiles, modelFiles, NoData } from "./hub/select.ts";

/** Where a model or data came from, as a record keeps it. */
export type Source =
  | { kind: "local"; path: string }
  | {
    kind: "hub";
    /** `org/name` */
    repo: string;
    /** The revision asked for. */
    revision: string;
    /** The commit it stood for: 40 hexadecimal digits. */
    commit: string;
  };

/** How far the download of one file is. */
export interface FileProgress {
  path: string;
  /** Bytes that have arrived. */
  bytes: number;
  /** Bytes of the whole file. */
  total: number;
}

/** Options for {@linkcode resolveModel} and {@linkcode resolveData}. */
export interface HubOptions extends RepoOptions {
  /** Called as a file arrives, from no bytes to all; never for a cached file. */
  onFile?: (progress: FileProgress) => void;
}

/**
 * A model folder, pulled from the Hub if need be: config, tokenizer, chat
 * template, safetensors weights or adapter, and nothing that could be code.
 *
 * @param pathOrId a folder, or `org/name[@revision]`.
 * @throws if there is no such folder or repository or it may not be read, if
 * it has no config or weights, if a download is not what the Hub announced, if
 * the cache cannot be written, and without network if the cache lacks files.
 */
export async function resolveModel(
  pathOrId: string,
  options: HubOptions = {},
): Promise<{ folder: string; source: Source }> {
  const id = parseHubId(pathOrId);
  if (id === null) {
    const folder = await localModel(pathOrId);
    return { folder, source: { kind: "local", path: pathOrId } };
  }
  if (id.part !== null) {
    throw new Error(
      `Cannot take ":${id.part}" of the model "${id.repo}": expected org/name[@revision], only data has parts`,
    );
  }
  const repo = await repoFor("model", id, options);
  const { folder, source } = await pull(repo, modelFiles, options);
  return { folder, source };
}

/**
 * Data files, pulled from the Hub if need be, in the order of their paths;
 * where `main` has none that we read, what the Hub has converted to parquet.
 *
 * @param pathOrId a file, a folder, or `org/name[@revision][:part]`, where the
 * part is a split, folder or file: what begins a word of the path.
 * @throws as {@linkcode resolveModel} and {@linkcode dataFiles}.
 */
export async function resolveData(
  pathOrId: string,
  options: HubOptions = {},
): Promise<{ files: string[]; source: Source }> {
  const id = parseHubId(pathOrId);
  if (id === null) {
    const source: Source = { kind: "local", path: pathOrId };
    return { files: await localData(pathOrId), source };
  }
  const repo = await repoFor("dataset", id, options);
  const select: Select = (paths, where) => dataFiles(paths, where, id);
  const { folder, files, source } = await pull(repo, select, options)
    .catch(async (error) => {
      if (!(error instanceof NoData) || repo.revision !== "main") throw error;
      const other = { ...repo, revision: CONVERTED };
      return await pull(other, select, options).catch((reason) => {
        throw reason instanceof NoRevision ? error : reason;
      });
    });
  return { files: files.map((path) => join(folder, path)), source };
}

/** Picks the paths that are needed; `where` says what they are in, for errors. */
type Select = (paths: string[], where: string) => string[];

/** Sees to it that the cache has what is needed of one revision. */
async function pull(
  repo: Repo,
  select: Select,
  { onFile = () => {} }: HubOptions,
) {
  const { name, revision, folder } = repo;
  const { commit, tree, reason } = await findTree(repo);
  const title = titleOf(repo);
  const where = reason ? `the cache of ${title} (${reason.message})` : title;
  const files = select(Object.keys(tree), where);
  const missing = await missingFiles(folder, { commit, tree }, files);
  if (missing.length > 0 && reason !== null) {
    throw cannotPull(repo, missing.join(", "), reason);
  }
  await fetchFiles(repo, missing, { commit, tree, onFile });
  const source: Source = { kind: "hub", repo: name, revision, commit };
  return { folder: snapshotPath(folder, commit), files, source };
}

function cannotPull(repo: Repo, what: string, cause: Unreachable): Error {
  return new Error(
    `Cannot pull ${
      titleOf(repo)
    }: the cache ${repo.folder} lacks ${what}, and ${cause.message}`,
    { cause },
  );
}

interface Found {
  commit: string;
  tree: Tree;
  /** Why this is the cache's word and not the Hub's, or null. */
  reason: Unreachable | null;
}

async function findTree(repo: Repo): Promise<Found> {
  const { folder, revision } = repo;
  try {
    const commit = COMMIT.test(revision) ? revision : await currentCommit(repo);
    const tree = await readTree(folder, commit) ?? await listTree(repo, commit);
    return { commit, tree, reason: null };
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const cached = await cachedTree(folder, revision);
    if (cached === null) throw cannotPull(repo, "it", error);
    return { ...cached, reason: error };
  }
}

async function currentCommit(repo: Repo): Promise<string> {
  const { type, name, revision, endpoint } = repo;
  const asked = {
    name,
    revision,
    additionalFields: ["sha" as const],
    hubUrl: endpoint,
    fetch: asking(repo),
  };
  const { sha } = type === "model"
    ? await modelInfo(asked)
    : await datasetInfo(asked);
  if (COMMIT.test(sha)) return sha;
  throw new Error(
    `Cannot find the commit of ${titleOf(repo)}: ${endpoint} says "${sha}"`,
  );
}

async function listTree(repo: Repo, commit: string): Promise<Tree> {
  const { type, name, endpoint } = repo;
  const entries = await Array.fromAsync(listFiles({
    repo: { type, name },
    revision: commit,
    recursive: true,
    hubUrl: endpoint,
    fetch: asking(repo),
  }));
  return Object.fromEntries(
    entries.filter(({ type }) => type === "file").map(toRepoFile),
  );
}

function toRepoFile(entry: ListFileEntry): [path: string, file: RepoFile] {
  const { path, size, oid = "", lfs, xetHash } = entry;
  return [path, {
    size,
    blob_id: oid,
    ...(lfs && { lfs_sha256: lfs.oid, lfs_size: lfs.size }),
    ...(xetHash && { xet_hash: xetHash }),
  }];
}

interface Fetch {
  commit: string;
  tree: Tree;
  onFile: (progress: FileProgress) => void;
}

/** Downloads contents; once all are there keeps the listing, links, notes the commit. */
async function fetchFiles(
  repo: Repo,
  paths: readonly string[],
  wanted: Fetch,
): Promise<void> {
  const { folder, revision } = repo;
  const { commit, tree } = wanted;
  for (const path of paths) {
    const content = download(repo, path, wanted);
    await writeBlob(folder, tree[path]!, content).catch((cause) => {
      const what = `"${path}" of ${titleOf(repo)}`;
      throw new Error(`Cannot pull ${what}: ${cause.message}`, { cause });
    });
  }
  if (paths.length > 0) await writeTree(folder, commit, tree);
  for (const path of paths) {
    await linkBlob(folder, tree[path]!, { commit, path });
  }
  if (revision !== commit) await writeRef(folder, revision, commit);
}

async function* download(
  repo: Repo,
  path: string,
  { commit, tree, onFile }: Fetch,
): AsyncGenerator<Uint8Array> {
  const { endpoint, type, name } = repo;
  const total = tree[path]!.size;
  const place = `${type === "model" ? "" : "datasets/"}${name}`;
  const escaped = path.split("/").map(encodeURIComponent).join("/");
  const url = `${endpoint}/${place}/resolve/${commit}/${escaped}`;
  // Sizes and hashes are those of the content, so it must come as it is.
  const headers = { "accept-encoding": "identity" };
  const { body } = await request(repo, new Request(url, { headers }));
  let bytes = 0;
  onFile({ path, bytes, total });
  for await (const chunk of body ?? []) {
    yield chunk;
    bytes += chunk.length;
    onFile({ path, bytes, total });
  }
}

/** A `fetch` for questions about a repository, which want JSON and soon. */
function asking(repo: Repo): typeof fetch {
  return async (input, init) => {
    const signal = AbortSignal.timeout(repo.patience);
    const response = await request(
      repo,
      new Request(input, { ...init, signal }),
    );
    const text = await response.text().catch((cause) => {
      throw new Unreachable(`${repo.endpoint} breaks off`, { cause });
    });
    if (response.headers.get("content-type")?.includes("json")) {
      return new Response(text, response);
    }
    throw new Unreachable(`${repo.endpoint} does not answer as a Hub`);
  };
}

/** The answer of the Hub, if it gives what was asked. */
async function request(repo: Repo, asked: Request): Promise<Response> {
  const response = await send(repo, asked);
  if (response.ok) return response;
  await response.body?.cancel();
  throw refusal(repo, response);
}
