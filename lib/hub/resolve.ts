/**
 * Finds models and data by name. A local path is used as it is; a Hub id is
 * pulled into the Hub's own cache, which Python tools share.
 *
 * `@huggingface/hub` lists repositories. Its downloads are not used: they check
 * nothing, fail on empty files and print.
 */
import { join, resolve } from "node:path";
import {
  cachedTree,
  missingFiles,
  readTree,
  snapshotPath,
  writeTree,
} from "./cache.ts";
import { type Commit, fetchFiles, type FetchOptions } from "./fetch_files.ts";
import { type AskOptions, currentCommit, listTree } from "./listing.ts";
import { localData, localModel } from "./local.ts";
import { NoRevision } from "./refusal.ts";
import {
  parseHubId,
  type Repo,
  repoFor,
  type RepoOptions,
  titleOf,
} from "./repo.ts";
import { Unreachable } from "./retry.ts";
import {
  CONVERTED,
  dataFiles,
  ggufFile,
  modelFiles,
  type ModelFilesOptions,
  NoData,
} from "./select.ts";
import { COMMIT } from "./tree.ts";

/** The origin of a model or of data, as a record keeps it. */
export type Source =
  | { kind: "local"; path: string }
  | {
    kind: "hub";
    /** `org/name` */
    repo: string;
    /** The revision asked for. */
    revision: string;
    /** The commit to which it pointed: 40 hexadecimal digits. */
    commit: string;
    /** The split, folder or file asked for; absent where everything was. */
    part?: string;
  };

/** Options for {@linkcode resolveModel} and {@linkcode resolveData}. */
export interface HubOptions extends RepoOptions, FetchOptions {}

/** Options for {@linkcode resolveData}. */
export interface DataOptions extends HubOptions {
  /** The split to take where there are several and none is named. */
  readonly split?: string;
}

/** Options for {@linkcode resolveModel}. */
export interface ModelOptions extends HubOptions, ModelFilesOptions {}

/**
 * Finds a model and pulls it from the Hub if need be: a folder with config,
 * tokenizer, chat template, and safetensors weights or adapter, without
 * anything that could be code; or one GGUF file.
 *
 * @param pathOrId a folder, `org/name[@revision]`, a .gguf file, or
 * `org/name[@revision]:file.gguf`, where the beginning of a word of its path
 * is enough.
 * @returns `folder`: the folder, or the path of the GGUF file.
 * @throws if there is no such folder or repository, it may not be read or lacks
 * a file, a download is not what the Hub announced, the cache cannot be
 * written, or there is no network and the cache lacks files.
 */
export async function resolveModel(
  pathOrId: string,
  options: ModelOptions = {},
): Promise<{ folder: string; source: Source }> {
  const id = parseHubId(pathOrId);
  if (id === null) {
    const folder = await localModel(pathOrId);
    return { folder, source: await localSource(pathOrId) };
  }
  const { part } = id;
  const repo = await repoFor("model", id, options);
  const select: Select = (paths, location) =>
    part === null
      ? modelFiles(paths, location, options)
      : [ggufFile(paths, location, { part })];
  const { folder, files, source } = await pull(repo, select, options);
  if (part === null) return { folder, source };
  return { folder: join(folder, files[0]!), source: { ...source, part } };
}

/**
 * Finds data files, in the order of their paths, and pulls them from the Hub if
 * need be. Where `main` has no file that we read, or not the part, the Hub's
 * conversion to parquet serves.
 *
 * @param pathOrId a file, a folder, or `org/name[@revision][:part]`, where the
 * part is a configuration, split, folder or file: words of the path, or the
 * beginning of one.
 * @throws as {@linkcode resolveModel} and {@linkcode dataFiles}.
 */
export async function resolveData(
  pathOrId: string,
  { split, ...options }: DataOptions = {},
): Promise<{ files: string[]; source: Source }> {
  const id = parseHubId(pathOrId);
  if (id === null) {
    const files = await localData(pathOrId);
    return { files, source: await localSource(pathOrId) };
  }
  const { part } = id;
  const repo = await repoFor("dataset", id, options);
  const select: Select = (paths, location) =>
    dataFiles(paths, location, { part, split });
  const { folder, files, source } = await pull(repo, select, options)
    .catch(async (error) => {
      if (!(error instanceof NoData) || repo.revision !== "main") throw error;
      const other = { ...repo, revision: CONVERTED };
      return await pull(other, select, options).catch((reason) => {
        const isNone = reason instanceof NoRevision || reason instanceof NoData;
        throw isNone ? error : reason;
      });
    });
  return {
    files: files.map((path) => join(folder, path)),
    source: { ...source, ...partOf(files, part) },
  };
}

/** The snapshot of a commit in a Hub cache, and the path of a file in it. */
const SNAPSHOT =
  /\/(?:models|datasets)--(\w[\w.-]*?)--(\w[\w.-]*)\/snapshots\/([0-9a-f]{40})(?:\/(.+\.\w+))?$/;

/** The source of a local path, which is the Hub where it lies in its cache. */
async function localSource(path: string): Promise<Source> {
  for (const place of [resolve(path), await Deno.realPath(path)]) {
    const found = place.replaceAll("\\", "/").match(SNAPSHOT);
    if (!found) continue;
    const [, org, name, commit, part] = found;
    const repo = `${org}/${name}`;
    return {
      ...{ kind: "hub", repo, revision: commit!, commit: commit! },
      ...part !== undefined && { part },
    };
  }
  return { kind: "local", path };
}

/** The part in words: the Hub converts only the beginning of what is large. */
function partOf(files: readonly string[], part: string | null) {
  const isPartial = files.some((path) => /(?:^|\/)partial-/.test(path));
  const named = [part ?? [], isPartial ? "partial" : []].flat().join(", ");
  return named === "" ? {} : { part: named };
}

/** Picks the paths that are needed; errors name the location. */
type Select = (paths: string[], location: string) => string[];

/** Brings the files that are needed of one revision into the cache. */
async function pull(repo: Repo, select: Select, options: HubOptions) {
  const { name, revision, folder } = repo;
  const tries = await isComplete(repo, select) ? 1 : undefined;
  const { commit, tree, reason } = await findTree(repo, { tries });
  const title = titleOf(repo);
  const location = reason ? `the cache of ${title} (${reason.message})` : title;
  const files = select(Object.keys(tree), location);
  const missing = await missingFiles(folder, { commit, tree }, files);
  if (missing.length > 0 && reason !== null) {
    throw cannotPull(repo, missing.join(", "), reason);
  }
  await fetchFiles(repo, missing, { ...options, commit, tree });
  const source = { kind: "hub" as const, repo: name, revision, commit };
  return { folder: snapshotPath(folder, commit), files, source };
}

/** Whether the cache is enough, so that nobody waits for a Hub that is down. */
async function isComplete(
  { folder, revision }: Repo,
  select: Select,
): Promise<boolean> {
  const cached = await cachedTree(folder, revision);
  if (!cached?.isListed) return false;
  try {
    const files = select(Object.keys(cached.tree), "the cache");
    return (await missingFiles(folder, cached, files)).length === 0;
  } catch {
    return false; // select() does not find the files
  }
}

function cannotPull(repo: Repo, missing: string, cause: Unreachable): Error {
  return new Error(
    `Cannot pull ${
      titleOf(repo)
    }: the cache ${repo.folder} lacks ${missing}, and ${cause.message}`,
    { cause },
  );
}

interface FoundTree extends Commit {
  /** Why the cache answers instead of the Hub, or null. */
  readonly reason: Unreachable | null;
}

async function findTree(repo: Repo, options: AskOptions): Promise<FoundTree> {
  const { folder, revision } = repo;
  try {
    const commit = COMMIT.test(revision)
      ? revision
      : await currentCommit(repo, options);
    const cached = await readTree(folder, commit);
    if (cached !== null) return { commit, tree: cached, reason: null };
    const tree = await listTree(repo, commit, options);
    // A cache that cannot be written may have all the files.
    await writeTree(folder, commit, tree).catch(() => {});
    return { commit, tree, reason: null };
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const cached = await cachedTree(folder, revision);
    if (cached === null) throw cannotPull(repo, "it", error);
    return { ...cached, reason: error };
  }
}
