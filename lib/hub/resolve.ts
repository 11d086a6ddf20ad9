/**
 * Models and data by name: a local path stays what it is, a Hub id is pulled
 * into the Hub's own cache, where Python tools find it and from where what
 * they pulled serves here.
 *
 * `@huggingface/hub` says what a repository holds. Its downloads are not used:
 * they check nothing, fail on empty files and print.
 */
import { join } from "node:path";
import {
  cachedTree,
  missingFiles,
  readTree,
  snapshotPath,
  writeTree,
} from "./cache.ts";
import { type Commit, fetchFiles, type FetchOptions } from "./fetch_files.ts";
import {
  parseHubId,
  type Repo,
  repoFor,
  type RepoOptions,
  titleOf,
} from "./repo.ts";
import { type AskOptions, currentCommit, listTree } from "./listing.ts";
import { localData, localModel } from "./local.ts";
import { NoRevision, Unreachable } from "./refusal.ts";
import {
  CONVERTED,
  dataFiles,
  ggufFile,
  modelFiles,
  type ModelFilesOptions,
  NoData,
} from "./select.ts";
import { COMMIT } from "./tree.ts";

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
    /** The split, folder or file asked for; absent where that was everything. */
    part?: string;
  };

/** Options for {@linkcode resolveModel} and {@linkcode resolveData}. */
export interface HubOptions extends RepoOptions, FetchOptions {}

/** Options for {@linkcode resolveModel}. */
export interface ModelOptions extends HubOptions, ModelFilesOptions {}

/**
 * A model folder, pulled from the Hub if need be: config, tokenizer, chat
 * template, safetensors weights or adapter, and nothing that could be code. Or
 * one GGUF file.
 *
 * @param pathOrId a folder, `org/name[@revision]`, a .gguf file, or
 * `org/name[@revision]:file.gguf`, where the beginning of a word of its path
 * will do.
 * @returns `folder`: the folder, or the path of the GGUF file.
 * @throws if there is no such folder or repository or it may not be read, if
 * it lacks what is needed, if a download is not what the Hub announced, if the
 * cache cannot be written, and without network if the cache lacks files.
 */
export async function resolveModel(
  pathOrId: string,
  options: ModelOptions = {},
): Promise<{ folder: string; source: Source }> {
  const id = parseHubId(pathOrId);
  if (id === null) {
    const folder = await localModel(pathOrId);
    return { folder, source: { kind: "local", path: pathOrId } };
  }
  const { part } = id;
  const repo = await repoFor("model", id, options);
  if (part === null) {
    const select: Select = (paths, where) => modelFiles(paths, where, options);
    const { folder, source } = await pull(repo, select, options);
    return { folder, source };
  }
  const select: Select = (paths, where) => [ggufFile(paths, where, { part })];
  const { folder, files, source } = await pull(repo, select, options);
  return { folder: join(folder, files[0]!), source: { ...source, part } };
}

/**
 * Data files, pulled from the Hub if need be, in the order of their paths;
 * where `main` has none that we read, or not the part, what the Hub has
 * converted to parquet.
 *
 * @param pathOrId a file, a folder, or `org/name[@revision][:part]`, where the
 * part is a configuration, split, folder or file: words of the path, or what
 * begins one.
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
  const { part } = id;
  const repo = await repoFor("dataset", id, options);
  const select: Select = (paths, where) => dataFiles(paths, where, { part });
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
    source: part === null ? source : { ...source, part },
  };
}

/** Picks the paths that are needed; `where` says what they are in, for errors. */
type Select = (paths: string[], where: string) => string[];

/** Sees to it that the cache has what is needed of one revision. */
async function pull(repo: Repo, select: Select, options: HubOptions) {
  const { name, revision, folder } = repo;
  const tries = await isComplete(repo, select) ? 1 : undefined;
  const { commit, tree, reason } = await findTree(repo, { tries });
  const title = titleOf(repo);
  const where = reason ? `the cache of ${title} (${reason.message})` : title;
  const files = select(Object.keys(tree), where);
  const missing = await missingFiles(folder, { commit, tree }, files);
  if (missing.length > 0 && reason !== null) {
    throw cannotPull(repo, missing.join(", "), reason);
  }
  await fetchFiles(repo, missing, { ...options, commit, tree });
  const source = { kind: "hub" as const, repo: name, revision, commit };
  return { folder: snapshotPath(folder, commit), files, source };
}

/** Whether the cache serves for sure, so that a Hub that is down need not be waited for. */
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
    return false; // it lacks what select() must find
  }
}

function cannotPull(repo: Repo, what: string, cause: Unreachable): Error {
  return new Error(
    `Cannot pull ${
      titleOf(repo)
    }: the cache ${repo.folder} lacks ${what}, and ${cause.message}`,
    { cause },
  );
}

interface Found extends Commit {
  /** Why this is the cache's word and not the Hub's, or null. */
  readonly reason: Unreachable | null;
}

async function findTree(repo: Repo, options: AskOptions): Promise<Found> {
  const { folder, revision } = repo;
  try {
    const commit = COMMIT.test(revision)
      ? revision
      : await currentCommit(repo, options);
    const kept = await readTree(folder, commit);
    if (kept !== null) return { commit, tree: kept, reason: null };
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
