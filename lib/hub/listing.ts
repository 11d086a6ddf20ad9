/** What the Hub says of a repository, through `@huggingface/hub`. */
import {
  datasetInfo,
  type ListFileEntry,
  listFiles,
  modelInfo,
} from "@huggingface/hub";
import { answerTo, type Fetch, InvalidAnswer, understood } from "./network.ts";
import { readRefusal, retrying, Unreachable } from "./refusal.ts";
import type { Repo } from "./repo.ts";
import {
  checkedFile,
  COMMIT,
  inside,
  type RepoFile,
  type Tree,
} from "./tree.ts";

/** Entries and pages of a listing: far more than the Hub's own have. */
const MOST_FILES = 200_000;
const MOST_PAGES = 2_000;

/** Options for questions. */
export interface AskOptions {
  /** Attempts; as many as `retrying` makes unless given. */
  readonly tries?: number | undefined;
}

/** What the Hub says of a revision. */
export interface RevisionInfo {
  /** The commit where it stands. */
  readonly commit: string;
  /** Whether not everybody may read the repository. */
  readonly isPrivate: boolean;
}

/**
 * Asks for a revision, by a `fetch` that knows the words for refusals.
 *
 * @throws if it stands at nothing that is a commit.
 */
export async function revisionInfo(
  { type, name, revision, endpoint }: Repo,
  fetch: Fetch,
): Promise<RevisionInfo> {
  const asked = {
    name,
    revision,
    additionalFields: ["sha" as const],
    hubUrl: endpoint,
    fetch,
  };
  const { sha, private: isPrivate } = type === "model"
    ? await modelInfo(asked)
    : await datasetInfo(asked);
  if (COMMIT.test(sha)) return { commit: sha, isPrivate };
  throw new InvalidAnswer(
    `it stands at ${JSON.stringify(sha)}, expected a commit`,
  );
}

/** The commit where the repository's revision stands. */
export async function currentCommit(
  repo: Repo,
  options: AskOptions = {},
): Promise<string> {
  const info = revisionInfo(repo, asking(repo, options));
  return (await understood(repo, info)).commit;
}

/**
 * What the repository holds at a commit.
 *
 * @throws if a path could leave the cache, a file has no proper size or hash,
 * or there is no end to them.
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
    fetch: asking(repo, options),
  });
  return Object.fromEntries(await understood(repo, collect(entries)));
}

async function collect(entries: AsyncIterable<ListFileEntry>) {
  const files: [path: string, file: RepoFile][] = [];
  for await (const entry of entries) {
    if (entry.type !== "file") continue;
    if (files.length === MOST_FILES) {
      throw new InvalidAnswer(`it has more than ${MOST_FILES} files`);
    }
    try {
      files.push([inside(entry.path), repoFile(entry)]);
    } catch (error) {
      throw error instanceof Error ? new InvalidAnswer(error.message) : error;
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

/** A `fetch` for the questions of one call, which want JSON. */
function asking(repo: Repo, { tries }: AskOptions): Fetch {
  const { endpoint, waiting } = repo;
  let pages = 0;
  return async (input, init) => {
    if (++pages > MOST_PAGES) {
      throw new InvalidAnswer(`it has more than ${MOST_PAGES} pages`);
    }
    const attempt = () =>
      answerTo(repo, new Request(input, init), { refusal: readRefusal });
    const answer = await retrying(attempt, { ...waiting, tries });
    if (answer.headers.get("content-type")?.includes("json")) return answer;
    throw new Unreachable(`${endpoint} does not answer as a Hub`);
  };
}
