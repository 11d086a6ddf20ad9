import { chunksOf, send, watchdog } from "./network.ts";
import { readRefusal, serverError } from "./refusal.ts";
import { pageOf, type Repo } from "./repo.ts";
import { retrying, Transient } from "./retry.ts";
import { contentHash, type RepoFile } from "./tree.ts";

/** One file at one commit. */
export interface CommitFile {
  readonly path: string;
  readonly commit: string;
  readonly file: RepoFile;
}

/** Options for a download. */
export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Called with the number of bytes that have arrived, in earlier runs too. */
  readonly onBytes: (bytes: number) => void;
}

/** Redirects in a row. */
const MAX_HOPS = 5;

/**
 * Downloads the missing rest of a content, over as many connections as it takes
 * while each brings new bytes. The content is not verified.
 *
 * @param options `to` is the file for the content; bytes that it holds are
 * taken for the beginning.
 */
export async function download(
  repo: Repo,
  wanted: CommitFile,
  { to, signal, onBytes }: DownloadOptions & { to: Deno.FsFile },
): Promise<void> {
  const { size } = wanted.file;
  let bytes = (await to.stat()).size;
  let furthest = bytes;
  onBytes(bytes);
  const attempt = async () => {
    using watch = watchdog(repo.stallTimeout, signal);
    const { start, response } = await open(repo, wanted, {
      from: bytes,
      signal: watch.signal,
    });
    bytes = await to.seek(start, Deno.SeekMode.Start);
    for await (const chunk of chunksOf(response, watch.signal)) {
      if (bytes + chunk.length > size) throw wrongSize(size, "more");
      await write(to, chunk);
      watch.reset();
      bytes += chunk.length;
      furthest = Math.max(furthest, bytes);
      onBytes(bytes);
    }
    if (bytes < size) {
      const { origin } = new URL(response.url);
      throw new Transient(`${origin} ends after ${bytes} of ${size} bytes`);
    }
  };
  if (bytes === size) return;
  const progress = () => furthest;
  await retrying(attempt, { ...repo.waiting, signal, progress });
}

interface OpenedContent {
  /** The offset of its first byte. */
  readonly start: number;
  readonly response: Response;
}

/** Requests a content from a byte on; the host may begin at the first. */
async function open(
  repo: Repo,
  { path, commit, file }: CommitFile,
  { from, signal }: { from: number; signal: AbortSignal },
): Promise<OpenedContent> {
  const escaped = path.split("/").map(encodeURIComponent).join("/");
  // Sizes and hashes are those of the content, so it must come unencoded. Files
  // of a commit never change, so the rest fits the bytes in the file.
  const headers = new Headers({ "accept-encoding": "identity" });
  if (from > 0) headers.set("range", `bytes=${from}-`);
  let url = `${pageOf(repo)}/resolve/${commit}/${escaped}`;
  for (let hops = 0; hops <= MAX_HOPS; hops++) {
    const request = new Request(url, { headers, signal, redirect: "manual" });
    const response = await send(repo, request);
    try {
      checkLinked(response.headers, file);
      const next = nextUrl(response, url);
      if (next === null) return contentOf(repo, response, { from, file });
      url = next;
    } catch (error) {
      await response.body?.cancel();
      throw error;
    }
    await response.body?.cancel();
  }
  throw new Error(`expected a file, found more than ${MAX_HOPS} redirects`);
}

/** Checks the Hub's headers about a content on a storage host. */
function checkLinked(headers: Headers, file: RepoFile): void {
  const size = headers.get("x-linked-size");
  if (size !== null && Number(size) !== file.size) {
    throw wrongSize(file.size, size);
  }
  const hash = headers.get("x-linked-etag")?.replace(/^(W\/)?"|"$/g, "");
  if (hash !== undefined && hash !== contentHash(file)) {
    throw new Error(`expected the hash ${contentHash(file)}, found ${hash}`);
  }
}

/** The URL to which a response redirects, or null. */
function nextUrl({ status, headers }: Response, url: string): string | null {
  const location = headers.get("location");
  if (status < 300 || status >= 400 || location === null) return null;
  const next = new URL(location, url);
  const isSafe = next.protocol === "https:" ||
    next.protocol === "http:" && new URL(url).protocol === "http:";
  if (isSafe) return next.href;
  throw new Error(`expected a redirect to https, found ${next.protocol}`);
}

function contentOf(
  repo: Repo,
  response: Response,
  { from, file: { size } }: { from: number; file: RepoFile },
): OpenedContent {
  const { status, headers, url } = response;
  if (status === 206) {
    const range = headers.get("content-range");
    const expected = new RegExp(`^bytes ${from}-\\d+/(${size}|\\*)$`);
    if (from > 0 && expected.test(range ?? "")) {
      return { start: from, response };
    }
    throw new Error(`expected bytes from ${from} of ${size}, found ${range}`);
  }
  if (status === 200) {
    const length = headers.get("content-length");
    if (length === null || Number(length) === size) {
      return { start: 0, response };
    }
    throw wrongSize(size, length);
  }
  const { origin } = new URL(url);
  if (origin === new URL(repo.endpoint).origin) {
    throw readRefusal(repo, response);
  }
  // The signature in the URL may have expired: the Hub gives a new one.
  throw serverError(response) ??
    new Transient(`${origin} answers with HTTP ${status}`);
}

function wrongSize(expected: number, found: string): Error {
  return new Error(`expected ${expected} bytes, found ${found}`);
}

async function write(to: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await to.write(bytes));
}
