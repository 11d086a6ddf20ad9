import { HUB_URL } from "@huggingface/hub";
import { homedir } from "node:os";
import { join } from "node:path";
import type { HubId } from "./id.ts";
import { ifThere } from "./if_there.ts";
import type { Waiting } from "./retry.ts";

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
  const token = env.HF_TOKEN || await ifThere(Deno.readTextFile(tokenFile));
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
