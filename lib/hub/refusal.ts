import { pageOf, type Repo, type Waiting } from "./repo.ts";
import { setTimeout as delay } from "node:timers/promises";

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

/** The host has too much to do, and has done nothing of what it was asked for. */
export class Busy extends Transient {}

/** The Hub refuses; the message says why, and not what was asked for. */
export class Refused extends Error {}

/** The Hub has no such repository, or none that the token may see. */
export class NoRepository extends Refused {}

/** The Hub has the repository but not this revision. */
export class NoRevision extends Error {}

/**
 * What it means that a host is busy or ailing, or null if it is not.
 *
 * @param message by default that it answers so.
 */
export function ailing(
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

interface Answer {
  readonly repo: Repo;
  /** Whether the Hub itself answers, and not a storage host that it names. */
  readonly isHub: boolean;
  /** Who answers. */
  readonly host: string;
  readonly status: number;
  /** What the Hub calls the reason. */
  readonly code: string;
  /** The Hub's own words. */
  readonly said: string;
}

/** A reason to refuse, and what to do about it. */
interface Reason {
  readonly applies: (answer: Answer) => boolean;
  readonly remedy: (answer: Answer) => string;
}

/** Reasons not to be read; the first that applies is told. */
const UNREADABLE: readonly Reason[] = [{
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

/** Reasons not to be written; the first that applies is told. */
const UNWRITABLE: readonly Reason[] = [
  {
    applies: ({ isHub }) => !isHub,
    remedy: () => "its storage does not take the file",
  },
  on(401, "the token of HF_TOKEN or its file is not valid there"),
  on(403, "the token of HF_TOKEN or its file may not write there"),
  on(404, "there is no such repository, or the token may not see it"),
  on(
    409,
    "it is there already, or somebody has changed it: look, and push again",
  ),
  on(412, "somebody has changed it: look, and push again"),
];

function on(expected: number, remedy: string): Reason {
  return { applies: ({ status }) => status === expected, remedy: () => remedy };
}

/** The error for an answer with an error status. */
export type Refusal = (
  repo: Repo,
  response: Response,
  answer: { readonly body: string },
) => Error;

/** What an error status means to one who reads. */
export function readRefusal(repo: Repo, response: Response): Error {
  const said = response.headers.get("x-error-message") ?? "";
  const answer = answerOf(repo, response, said);
  return ailing(response) ?? refused(answer, explanation(answer, UNREADABLE));
}

/** What an error status means to one who writes, with the Hub's own words. */
export function writeRefusal(
  repo: Repo,
  response: Response,
  { body }: { readonly body: string },
): Error {
  const answer = answerOf(repo, response, ownWords(body));
  const { said } = answer;
  const message = explanation(answer, UNWRITABLE) + (said && `; ${said}`);
  return ailing(response, message) ?? refused(answer, message);
}

function answerOf(
  repo: Repo,
  { url, status, headers }: Response,
  said: string,
): Answer {
  const { origin } = new URL(url);
  const isHub = origin === new URL(repo.endpoint).origin;
  const host = isHub ? repo.endpoint : origin;
  const code = headers.get("x-error-code") ?? "";
  return { repo, isHub, host, status, code, said };
}

function explanation(answer: Answer, reasons: readonly Reason[]): string {
  const { status, code, host } = answer;
  const reason = reasons.find(({ applies }) => applies(answer));
  return `HTTP ${status}${code && ` ${code}`} from ${host}` +
    (reason ? `; ${reason.remedy(answer)}` : "");
}

function refused(
  { repo: { name, endpoint, revision }, isHub, status, code }: Answer,
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

/** What the Hub says about it in JSON, on one line. */
function ownWords(body: string): string {
  try {
    const { error = "" } = JSON.parse(body);
    return String(error).replace(/\s+/g, " ").trim().slice(0, 300);
  } catch {
    return ""; // storage hosts answer in XML
  }
}

/** Attempts without progress. */
const TRIES = 5;
/** Milliseconds of a wait. */
const FIRST = 1_000;
const LAST = 8_000;
/** The longest wait that a host may ask for: the Hub counts in such windows. */
const ASKED = 300_000;
/** Waits that are worth a word. */
const TOLD = 2_000;

/** A timer. */
export async function timer(
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  await delay(milliseconds, undefined, signal && { signal });
}

/** Options for {@linkcode retrying}. */
export interface RetryOptions extends Waiting {
  /**
   * Attempts without progress.
   *
   * @default 5
   */
  tries?: number | undefined;
  /** Grows as an attempt gets on: the count of tries begins anew. */
  progress?: () => number;
  signal?: AbortSignal | undefined;
}

/**
 * Tries again what fails for a reason that may pass ({@linkcode Transient}),
 * each time after twice the wait, from one second to eight, of which up to half
 * is left out at random, so that not all clients come back at once; after the
 * wait that the host asks for, if that is not over five minutes.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { tries = TRIES, onWait = () => {}, sleep = timer, signal } = options;
  const { progress = () => 0 } = options;
  let mark = progress();
  for (let failures = 1;; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Transient) || signal?.aborted) throw error;
      if (progress() > mark) failures = 1;
      mark = progress();
      const pause = error.after === null
        ? Math.min(FIRST * 2 ** (failures - 1), LAST) * (1 - Math.random() / 2)
        : error.after + FIRST * Math.random();
      if (failures >= tries || pause > ASKED + FIRST) {
        throw givenUp(error, failures);
      }
      const seconds = Math.ceil(pause / 1000);
      if (pause >= TOLD) onWait(`${error.message}; next try in ${seconds} s`);
      await sleep(pause, signal);
    }
  }
}

function givenUp(error: Transient, failures: number): Transient {
  const { message, after } = error;
  const asks = after !== null && after > ASKED
    ? ` and asks to wait ${Math.ceil(after / 1000)} s`
    : "";
  const times = failures > 1 ? `, ${failures} times in a row` : "";
  return new Transient(message + asks + times, { cause: error.cause, after });
}
