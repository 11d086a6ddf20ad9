/** Errors for the error statuses of the Hub and of its storage hosts. */
import { pageOf, type Repo } from "./repo.ts";
import { Busy, Transient } from "./retry.ts";

/** The Hub refuses a request; the message says why, but not which request. */
export class Refused extends Error {}

/** The Hub has no such repository, or none that the token may see. */
export class NoRepository extends Refused {}

/** The Hub has the repository but not this revision. */
export class NoRevision extends Error {}

/** Makes the error for a response with an error status. */
export type Refusal = (
  repo: Repo,
  response: Response,
  content: { readonly body: string },
) => Error;

/** The error for a read that is refused. */
export function readRefusal(repo: Repo, response: Response): Error {
  const message = response.headers.get("x-error-message") ?? "";
  const refused = refusedRequest(repo, response, message);
  return serverError(response) ??
    refusedError(refused, explanation(refused, READ_REASONS));
}

/** The error for a write that is refused, with the Hub's own message. */
export function writeRefusal(
  repo: Repo,
  response: Response,
  { body }: { readonly body: string },
): Error {
  const refused = refusedRequest(repo, response, messageIn(body));
  const { hubMessage } = refused;
  const message = explanation(refused, WRITE_REASONS) +
    (hubMessage && `; ${hubMessage}`);
  return serverError(response, message) ?? refusedError(refused, message);
}

/**
 * The error for a host that is busy or out of order; null for other statuses.
 *
 * @param message names host and status unless given.
 */
export function serverError(
  { url, status, headers }: Response,
  message = `${new URL(url).origin} answers with HTTP ${status}`,
): Transient | null {
  if (status < 500 && status !== 429 && status !== 408) return null;
  const options = { after: pauseIn(headers) };
  return status === 429
    ? new Busy(message, options)
    : new Transient(message, options);
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

interface RefusedRequest {
  readonly repo: Repo;
  /** Whether the Hub itself refuses, and not a storage host that it names. */
  readonly isHub: boolean;
  /** Address of the host that refuses. */
  readonly host: string;
  readonly status: number;
  /** The Hub's code for the reason. */
  readonly code: string;
  readonly hubMessage: string;
}

function refusedRequest(
  repo: Repo,
  { url, status, headers }: Response,
  hubMessage: string,
): RefusedRequest {
  const { origin } = new URL(url);
  const isHub = origin === new URL(repo.endpoint).origin;
  const host = isHub ? repo.endpoint : origin;
  const code = headers.get("x-error-code") ?? "";
  return { repo, isHub, host, status, code, hubMessage };
}

/** A reason to refuse, and what to do about it. */
interface Reason {
  readonly applies: (refused: RefusedRequest) => boolean;
  readonly remedy: (refused: RefusedRequest) => string;
}

/** Reasons to refuse a read; the first that applies is told. */
const READ_REASONS: readonly Reason[] = [{
  applies: ({ code }) => code === "GatedRepo",
  remedy: ({ repo }) =>
    `it is gated: accept its terms on ${pageOf(repo)}` +
    (repo.token === null
      ? " and set HF_TOKEN to a token of that account"
      : " with the account of your token, and wait if its owner has to agree"),
}, {
  applies: ({ hubMessage, repo }) =>
    repo.token !== null && hubMessage.includes("Invalid credentials"),
  remedy: ({ repo: { endpoint } }) =>
    `the token of HF_TOKEN or its file is not valid: ${endpoint}/settings/tokens has those that are`,
}, {
  applies: ({ code }) => code === "EntryNotFound",
  remedy: () => "the repository lists this file, but does not have it",
}, {
  applies: ({ status }) => [401, 403, 404].includes(status),
  remedy: ({ repo: { token } }) =>
    "it is not a local path, and on the Hub it is missing or private: " +
    (token === null
      ? "check the name, or set HF_TOKEN to a token that may read it"
      : "the token of HF_TOKEN or its file may not read it"),
}];

/** Reasons to refuse a write; the first that applies is told. */
const WRITE_REASONS: readonly Reason[] = [
  {
    applies: ({ isHub }) => !isHub,
    remedy: () => "its storage does not take the file",
  },
  on(401, "the token of HF_TOKEN or its file is not valid there"),
  on(403, "the token of HF_TOKEN or its file may not write there"),
  on(404, "there is no such repository, or the token may not see it"),
  on(
    409,
    "it exists already, or somebody has changed it: check it, and push again",
  ),
  on(412, "somebody has changed it: check it, and push again"),
];

function on(expected: number, remedy: string): Reason {
  return { applies: ({ status }) => status === expected, remedy: () => remedy };
}

function explanation(
  refused: RefusedRequest,
  reasons: readonly Reason[],
): string {
  const { status, code, host } = refused;
  const reason = reasons.find(({ applies }) => applies(refused));
  return `HTTP ${status}${code && ` ${code}`} from ${host}` +
    (reason ? `; ${reason.remedy(refused)}` : "");
}

function refusedError(
  { repo: { name, endpoint, revision }, isHub, status, code }: RefusedRequest,
  message: string,
): Error {
  if (code === "RevisionNotFound") {
    return new NoRevision(
      `Cannot find the revision "${revision}" of ${name} on ${endpoint}: expected a branch, a tag or a commit`,
    );
  }
  return isHub && status === 404 && code !== "EntryNotFound"
    ? new NoRepository(message)
    : new Refused(message);
}

/** The message in the JSON of an error, on one line. */
function messageIn(body: string): string {
  try {
    const { error = "" } = JSON.parse(body);
    return String(error).replace(/\s+/g, " ").trim().slice(0, 300);
  } catch {
    return ""; // storage hosts answer in XML
  }
}
