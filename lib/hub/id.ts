import { existsSync } from "node:fs";

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
