import { HUB_URL } from "@huggingface/hub";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { orNull } from "../files/missing.ts";
import type { Waiting } from "./retry.ts";

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
 * @returns null where the text is a local path: a file or folder lies there, it
 * ends like a data file, or it is not of that form.
 */
export function parseHubId(text: string): HubId | null {
  const [, repo, revision = null, part = null] = ID.exec(text) ?? [];
  if (repo === undefined || existsSync(text)) return null;
  if (/\.(jsonl?|ndjson|csv|tsv|parquet|gz|zst)$/.test(repo)) return null;
  return { repo, revision, part };
}

/** The Hub's address, and how to talk to it. */
export interface HubAccess {
  readonly endpoint: string;
  readonly token: string | null;
  /** Milliseconds in which the Hub has to answer a read. */
  readonly responseTimeout: number;
  /** Milliseconds that a host may send nothing during a download. */
  readonly stallTimeout: number;
  /** The environment variable that forbids requests, or null. */
  readonly offlineBy: string | null;
}

/** One repository at one revision, and how to reach it. */
export interface Repo extends HubAccess {
  readonly type: "model" | "dataset";
  /** `org/name` */
  readonly name: string;
  readonly revision: string;
  /** The repository's folder in the cache. */
  readonly folder: string;
  readonly waiting: Waiting;
}

/** Options for {@linkcode repoFor}. */
export interface RepoOptions extends Waiting {
  /** The revision where the id names none. @default "main" */
  revision?: string;
  /** The environment variables. @default Deno.env.toObject() */
  env?: Record<string, string>;
}

/** The repository of an id; see {@linkcode hubAccess} for the environment. */
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
 * The Hub and the folder of its cache, by the environment: `HF_ENDPOINT`,
 * `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`,
 * `HF_HUB_ETAG_TIMEOUT` and `HF_HUB_DOWNLOAD_TIMEOUT` mean what they mean to
 * Python's `huggingface_hub`, as do the older `HUGGING_FACE_HUB_TOKEN` and
 * `TRANSFORMERS_OFFLINE`.
 *
 * @throws Error if `HF_ENDPOINT` is no URL.
 */
export async function hubAccess(
  env: Readonly<Record<string, string>>,
): Promise<HubAccess & { readonly cache: string }> {
  const caches = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const home = expandHome(env.HF_HOME || join(caches, "huggingface"));
  const tokenFile = expandHome(env.HF_TOKEN_PATH || join(home, "token"));
  const token = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN ||
    await orNull(Deno.readTextFile(tokenFile));
  const endpoint = (env.HF_ENDPOINT || HUB_URL).replace(/\/+$/, "");
  if (!/^https?:/.test(endpoint) || !URL.canParse(endpoint)) {
    throw new Error(
      `Cannot use HF_ENDPOINT "${endpoint}": expected a URL such as ${HUB_URL}`,
    );
  }
  return {
    endpoint,
    token: token?.trim() || null,
    responseTimeout: 1000 * (Number(env.HF_HUB_ETAG_TIMEOUT) || 10),
    stallTimeout: 1000 * (Number(env.HF_HUB_DOWNLOAD_TIMEOUT) || 10),
    offlineBy: offlineBy(env),
    cache: expandHome(env.HF_HUB_CACHE || join(home, "hub")),
  };
}

/** The first variable that is set decides, as in `huggingface_hub`. */
function offlineBy(env: Readonly<Record<string, string>>): string | null {
  const name = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
    .find((name) => env[name]);
  return name && /^(1|on|yes|true)$/i.test(env[name]!) ? name : null;
}

/** Replaces a leading `~`, as a shell does. */
function expandHome(path: string): string {
  return path.replace(/^~(?=\/|$)/, homedir());
}

/** The page of a repository, below which its files lie. */
export function pageOf({ endpoint, type, name }: Repo): string {
  return `${endpoint}/${type === "model" ? "" : "datasets/"}${name}`;
}

/** The name of a repository in messages. */
export function titleOf({ type, name, revision }: Repo): string {
  const kind = type === "model" ? "the model" : "the data set";
  return `${kind} "${name}" at "${revision}"`;
}
