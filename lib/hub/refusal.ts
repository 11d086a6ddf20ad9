import { pageOf, type Repo } from "./repo.ts";

/** The Hub cannot be asked now: the cache may still serve. */
export class Unreachable extends Error {}

/** What may pass, so that it is worth trying again. */
export class Transient extends Unreachable {
  /** Milliseconds to wait for, where the host says so. */
  readonly after: number | null;

  constructor(message: string, { cause, after = null }: {
    cause?: unknown;
    after?: number | null;
  } = {}) {
    super(message, { cause });
    this.after = after;
  }
}

/** The Hub refuses; the message says why, and not what was asked for. */
export class Refused extends Error {}

/** The Hub has the repository but not this revision. */
export class NoRevision extends Error {}

/** What it means that a host is busy or ailing, or null if it is not. */
export function ailing({ url, status, headers }: Response): Transient | null {
  if (status < 500 && status !== 429 && status !== 408) return null;
  const { origin } = new URL(url);
  return new Transient(`${origin} answers with HTTP ${status}`, {
    after: pauseIn(headers),
  });
}

/**
 * Milliseconds until a host wants to be asked again: `Retry-After` as a number
 * of seconds or a date, or the end of the window in `RateLimit`, which the Hub
 * sends (draft-ietf-httpapi-ratelimit-headers-09); null where it has neither.
 */
function pauseIn(headers: Headers): number | null {
  const later = headers.get("retry-after") ??
    /;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1];
  if (later === undefined) return null;
  const milliseconds = /^\s*\d+\s*$/.test(later)
    ? 1000 * Number(later)
    : Date.parse(later) - Date.now();
  return Number.isNaN(milliseconds) ? null : Math.max(0, milliseconds);
}

interface Answer {
  readonly repo: Repo;
  readonly status: number;
  /** What the Hub calls the reason. */
  readonly code: string;
  /** The Hub's own words. */
  readonly said: string;
}

/** What the Hub refuses for, the first that applies, and what to do. */
const REASONS: {
  applies: (answer: Answer) => boolean;
  remedy: (answer: Answer) => string;
}[] = [{
  applies: ({ code }) => code === "GatedRepo",
  remedy: ({ repo }) =>
    `it is gated: accept its terms on ${pageOf(repo)}` +
    (repo.token === null
      ? " and set HF_TOKEN to a token of that account"
      : " with the account of your token, and wait if its owner has to agree"),
}, {
  applies: ({ said, repo }) =>
    repo.token !== null && said.includes("Invalid credentials"),
  remedy: ({ repo: { endpoint } }) =>
    `the token of HF_TOKEN or its file is not valid: ${endpoint}/settings/tokens has those that are`,
}, {
  applies: ({ code }) => code === "EntryNotFound",
  remedy: () => "the repository lists this file, and does not have it",
}, {
  applies: ({ status }) => [401, 403, 404].includes(status),
  remedy: ({ repo: { token } }) =>
    "it is no local path, and there it is missing or private: " +
    (token === null
      ? "check the name, or set HF_TOKEN to a token that may read it"
      : "the token of HF_TOKEN or its file may not read it"),
}];

/** What it means that the Hub answered with an error status. */
export function refusal(repo: Repo, response: Response): Error {
  const { name, endpoint, revision } = repo;
  const { status, headers } = response;
  const code = headers.get("x-error-code") ?? "";
  if (code === "RevisionNotFound") {
    return new NoRevision(
      `Cannot find the revision "${revision}" of ${name} on ${endpoint}: expected a branch, a tag or a commit`,
    );
  }
  const said = headers.get("x-error-message") ?? "";
  const answer = { repo, status, code, said };
  const remedy = REASONS.find(({ applies }) => applies(answer))?.remedy(answer);
  return ailing(response) ?? new Refused(
    `HTTP ${status}${code && ` ${code}`} from ${endpoint}${
      remedy === undefined ? "" : `; ${remedy}`
    }`,
  );
}
