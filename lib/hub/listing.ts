/** Revisions and listings of repositories, through `@huggingface/hub`. */
import {
  datasetInfo,
  type ListFileEntry,
  listFiles,
  modelInfo,
} from "@huggingface/hub";
import { readRefusal } from "./refusal.ts";
import type { Repo } from "./repo.ts";
import {
  type Fetch,
  InvalidResponse,
  parseResponse,
  request,
} from "./request.ts";
import { retrying, type RetryOptions, Unreachable } from "./retry.ts";
import {
  checkedFile,
  COMMIT,
  type RepoFile,
  safePath,
  type Tree,
} from "./tree.ts";

/** Files and pages of a listing: far more than repositories of the Hub have. */
const MAX_FILES = 200_000;
const MAX_PAGES = 2_000;

/** A revision of a repository. */
export interface RevisionInfo {
  /** The commit to which it points. */
  readonly commit: string;
  /** Whether the repository may not be read by everybody. */
  readonly isPrivate: boolean;
}

/**
 * Asks for a revision.
 *
 * @param fetch throws on refusals.
 * @throws InvalidResponse if it does not point to a commit.
 */
export async function revisionInfo(
  { type, name, revision, endpoint }: Repo,
  fetch: Fetch,
): Promise<RevisionInfo> {
  const query = {
    name,
    revision,
    additionalFields: ["sha" as const],
    hubUrl: endpoint,
    fetch,
  };
  const { sha, private: isPrivate } = type === "model"
    ? await modelInfo(query)
    : await datasetInfo(query);
  if (COMMIT.test(sha)) return { commit: sha, isPrivate };
  throw new InvalidResponse(
    `it points to ${JSON.stringify(sha)}, expected a commit`,
  );
}

/** Options for questions to the Hub. */
export type AskOptions = Pick<RetryOptions, "tries">;

/** The commit to which the repository's revision points. */
export async function currentCommit(
  repo: Repo,
  options: AskOptions = {},
): Promise<string> {
  const info = revisionInfo(repo, hubFetch(repo, options));
  return (await parseResponse(repo, info)).commit;
}

/**
 * The files of the repository at a commit.
 *
 * @throws if a path could leave the cache, a size or a hash is malformed, or
 * there are more files than a repository can have.
 */
export async function listTree(
  repo: Repo,
  commit: string,
  options: AskOptions = {},
): Promise<Tree> {
  const { type, name, endpoint } = repo;
  const entries = listFiles({
    repo: { type, name },
    revision: commit,
    recursive: true,
    hubUrl: endpoint,
    fetch: hubFetch(repo, options),
  });
  return Object.fromEntries(await parseResponse(repo, collect(entries)));
}

async function collect(entries: AsyncIterable<ListFileEntry>) {
  const files: [path: string, file: RepoFile][] = [];
  for await (const entry of entries) {
    if (entry.type !== "file") continue;
    if (files.length === MAX_FILES) {
      throw new InvalidResponse(`it has more than ${MAX_FILES} files`);
    }
    try {
      files.push([safePath(entry.path), repoFile(entry)]);
    } catch (error) {
      throw error instanceof Error ? new InvalidResponse(error.message) : error;
    }
  }
  return files;
}

function repoFile(entry: ListFileEntry): RepoFile {
  const { path, size, oid = "", lfs, xetHash } = entry;
  return checkedFile(path, {
    size,
    blob_id: oid,
    ...(lfs && { lfs_sha256: lfs.oid, lfs_size: lfs.size }),
    ...(xetHash && { xet_hash: xetHash }),
  });
}

/** A `fetch` for the questions of one call, whose answers are JSON. */
function hubFetch(repo: Repo, { tries }: AskOptions): Fetch {
  const { endpoint, waiting } = repo;
  let pages = 0;
  return async (input, init) => {
    if (++pages > MAX_PAGES) {
      throw new InvalidResponse(`it has more than ${MAX_PAGES} pages`);
    }
    const attempt = () =>
      request(repo, new Request(input, init), { refusal: readRefusal });
    const response = await retrying(attempt, { ...waiting, tries });
    if (response.headers.get("content-type")?.includes("json")) return response;
    throw new Unreachable(`${endpoint} does not answer as a Hub`);
  };
}
