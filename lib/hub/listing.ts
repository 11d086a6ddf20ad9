/** What the Hub says of a repository, through `@huggingface/hub`. */
import {
  datasetInfo,
  type ListFileEntry,
  listFiles,
  modelInfo,
} from "@huggingface/hub";
import { chunksOf, send } from "./network.ts";
import { refusal, Refused, Unreachable } from "./refusal.ts";
import { type Repo, titleOf } from "./repo.ts";
import { retrying } from "./retry.ts";
import {
  checkedFile,
  COMMIT,
  inside,
  type RepoFile,
  type Tree,
} from "./tree.ts";

/** Bytes of one answer, entries and pages of a listing: far more than the Hub's own have. */
const MOST_BYTES = 16_000_000;
const MOST_FILES = 200_000;
const MOST_PAGES = 2_000;

/** Options for questions. */
export interface AskOptions {
  /** Attempts; as many as `retrying` makes unless given. */
  readonly tries?: number | undefined;
}

/** The commit where the repository's revision stands. */
export async function currentCommit(
  repo: Repo,
  options: AskOptions = {},
): Promise<string> {
  const { type, name, revision, endpoint } = repo;
  const asked = {
    name,
    revision,
    additionalFields: ["sha" as const],
    hubUrl: endpoint,
    fetch: asking(repo, options),
  };
  const { sha } = await understood(
    repo,
    type === "model" ? modelInfo(asked) : datasetInfo(asked),
  );
  if (COMMIT.test(sha)) return sha;
  throw new Error(
    `Cannot find the commit of ${titleOf(repo)}: ${endpoint} says "${sha}"`,
  );
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

/** What is wrong with an answer. */
class Odd extends Error {}

async function collect(entries: AsyncIterable<ListFileEntry>) {
  const files: [path: string, file: RepoFile][] = [];
  for await (const entry of entries) {
    if (entry.type !== "file") continue;
    if (files.length === MOST_FILES) {
      throw new Odd(`it has more than ${MOST_FILES} files`);
    }
    try {
      files.push([inside(entry.path), repoFile(entry)]);
    } catch (error) {
      throw error instanceof Error ? new Odd(error.message) : error;
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

/** An answer; an error that names the repository where it is a refusal, or odd. */
export async function understood<T>(
  repo: Repo,
  answer: Promise<T>,
): Promise<T> {
  const { endpoint } = repo;
  return await answer.catch((cause) => {
    if (cause instanceof Refused) {
      throw new Error(`Cannot read ${titleOf(repo)}: ${cause.message}`, {
        cause,
      });
    }
    if (cause instanceof Odd) {
      throw new Error(
        `Cannot read ${titleOf(repo)} from ${endpoint}: ${cause.message}`,
        { cause },
      );
    }
    // The client stumbles over what has not the form of an answer.
    const garbled = cause instanceof SyntaxError || cause instanceof TypeError;
    throw garbled
      ? new Unreachable(`${endpoint} does not answer as a Hub`, { cause })
      : cause;
  });
}

/** A `fetch` for the questions of one call, which want JSON and soon. */
function asking(repo: Repo, { tries }: AskOptions): typeof fetch {
  let pages = 0;
  return async (input, init) => {
    if (++pages > MOST_PAGES) {
      throw new Odd(`it has more than ${MOST_PAGES} pages`);
    }
    return await retrying(
      () => answerTo(repo, new Request(input, init)),
      { ...repo.waiting, tries },
    );
  };
}

async function answerTo(repo: Repo, asked: Request): Promise<Response> {
  const { endpoint, patience } = repo;
  const signal = AbortSignal.timeout(patience);
  const response = await send(repo, new Request(asked, { signal }));
  if (!response.ok) {
    await response.body?.cancel();
    throw refusal(repo, response);
  }
  const text = await textOf(chunksOf(response, signal));
  if (response.headers.get("content-type")?.includes("json")) {
    return new Response(text, response);
  }
  throw new Unreachable(`${endpoint} does not answer as a Hub`);
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      throw new Odd(`an answer has more than ${MOST_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}
