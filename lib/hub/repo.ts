import { HUB_URL } from "@huggingface/hub";
import { homedir } from "node:os";
import { join } from "node:path";
import { orNull } from "../files/missing.ts";
import { existsSync } from "node:fs";

/** How to wait for a host that is busy, or for another process. */
export interface Waiting {
  /** Called before a wait of seconds, with what it is for. */
  onWait?: ((text: string) => void) | undefined;
  /**
   * Waits, until the signal at most.
   *
   * @default a timer
   */
  sleep?:
    | ((milliseconds: number, signal?: AbortSignal) => Promise<void>)
    | undefined;
}

/** How to get at the Hub. */
export interface HubAccess {
  /** The Hub's address. */
  readonly endpoint: string;
  readonly token: string | null;
  /** Milliseconds that the Hub has to answer a question. */
  readonly patience: number;
  /** Milliseconds that a host may stay silent in a download. */
  readonly silence: number;
  readonly offline: boolean;
}

/** One repository at one revision, and how to get at it. */
export interface Repo extends HubAccess {
  readonly type: "model" | "dataset";
  /** `org/name` */
  readonly name: string;
  readonly revision: string;
  /** The repository's folder in the cache. */
  readonly folder: string;
  readonly waiting: Waiting;
}

/** The page of a repository, below which its files lie. */
export function pageOf({ endpoint, type, name }: Repo): string {
  return `${endpoint}/${type === "model" ? "" : "datasets/"}${name}`;
}

/** A repository's name in messages. */
export function titleOf({ type, name, revision }: Repo): string {
  const what = type === "model" ? "the model" : "the data set";
  return `${what} "${name}" at "${revision}"`;
}

/** Options for {@linkcode repoFor}. */
export interface RepoOptions extends Waiting {
  /**
   * The revision where the id names none.
   *
   * @default "main"
   */
  revision?: string;
  /**
   * The environment variables to go by.
   *
   * @default Deno.env.toObject()
   */
  env?: Record<string, string>;
}

/** How to get at a repository; see {@linkcode hubAccess}. */
export async function repoFor(
  type: Repo["type"],
  id: HubId,
  { revision = "main", env = Deno.env.toObject(), onWait, sleep }: RepoOptions,
): Promise<Repo> {
  const { cache, ...access } = await hubAccess(env);
  return {
    ...access,
    type,
    name: id.repo,
    revision: id.revision ?? revision,
    folder: join(cache, `${type}s--${id.repo.replace("/", "--")}`),
    waiting: { onWait, sleep },
  };
}

/**
 * How to get at the Hub, and the folder of its cache, by the environment:
 * `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HOME`, `HF_HUB_CACHE`,
 * `HF_HUB_OFFLINE`, `HF_HUB_ETAG_TIMEOUT` and `HF_HUB_DOWNLOAD_TIMEOUT` mean
 * what they mean to Python's `huggingface_hub`.
 */
export async function hubAccess(
  env: Readonly<Record<string, string>>,
): Promise<HubAccess & { readonly cache: string }> {
  const caches = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const home = expand(env.HF_HOME || join(caches, "huggingface"));
  const tokenFile = expand(env.HF_TOKEN_PATH || join(home, "token"));
  const token = env.HF_TOKEN || await orNull(Deno.readTextFile(tokenFile));
  const endpoint = (env.HF_ENDPOINT || HUB_URL).replace(/\/+$/, "");
  if (!/^https?:/.test(endpoint) || !URL.canParse(endpoint)) {
    throw new Error(
      `Cannot use HF_ENDPOINT "${endpoint}": expected a URL such as ${HUB_URL}`,
    );
  }
  return {
    endpoint,
    token: token?.trim() || null,
    patience: 1000 * (Number(env.HF_HUB_ETAG_TIMEOUT) || 10),
    silence: 1000 * (Number(env.HF_HUB_DOWNLOAD_TIMEOUT) || 10),
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ""),
    cache: expand(env.HF_HUB_CACHE || join(home, "hub")),
  };
}

/** As a shell does for `~`. */
function expand(path: string): string {
  return path.replace(/^~(?=\/|$)/, homedir());
}

/** How far one file is that comes or goes, and all that do with it. */
export interface FileProgress {
  readonly path: string;
  /** Bytes that have arrived. */
  readonly bytes: number;
  /** Bytes of the whole file. */
  readonly total: number;
  /** Sums over the files. */
  readonly all: {
    readonly bytes: number;
    readonly total: number;
    readonly files: number;
    /** Files that have arrived whole. */
    readonly whole: number;
  };
}

/** Adds up how far files are that come or go. */
export function tallyOf(
  files: readonly { readonly path: string; readonly size: number }[],
  onFile: (progress: FileProgress) => void = () => {},
) {
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  const known = new Map(files.map(({ path }) => [path, 0]));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const all = { bytes: 0, total, files: files.length, whole: 0 };
  const here = (path: string, bytes: number) => {
    all.bytes += bytes - known.get(path)!;
    known.set(path, bytes);
    onFile({ path, bytes, total: sizes.get(path)!, all: { ...all } });
  };
  const whole = (path: string) => {
    all.whole++;
    here(path, sizes.get(path)!);
  };
  return { here, whole };
}

/** A repository on the Hub, as written on a command line. */
export interface HubId {
  /** `org/name` */
  repo: string;
  /** Branch, tag or commit; null where the id names none. */
  revision: string | null;
  /** Split, folder or file of a data set; null where the id names none. */
  part: string | null;
}

const NAME = String.raw`\w[\w.-]*/\w[\w.-]*`;
const IS_NAME = RegExp(`^${NAME}$`);
const ID = RegExp(String.raw`^(${NAME})(?:@([^\s:@]+))?(?::(.+))?$`);

/** Whether a text is an `org/name`. */
export function isRepoName(text: string): boolean {
  return IS_NAME.test(text);
}

/**
 * Reads `org/name[@revision][:part]`.
 *
 * @returns null where the text is a local path: something lies there, it ends
 * like a data file, or it is not of that form.
 */
export function parseHubId(text: string): HubId | null {
  const [, repo, revision = null, part = null] = ID.exec(text) ?? [];
  if (repo === undefined || existsSync(text)) return null;
  if (/\.(jsonl?|ndjson|csv|tsv|parquet|gz|zst)$/.test(repo)) return null;
  return { repo, revision, part };
}
