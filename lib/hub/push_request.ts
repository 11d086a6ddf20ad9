import { Refused, writeRefusal } from "./refusal.ts";
import type { Repo } from "./repo.ts";
import { type Fetch, parseResponse, request } from "./request.ts";
import { Busy, retrying, Transient, Unreachable } from "./retry.ts";

/** Options of `@huggingface/hub` that every step of a push needs. */
export function clientOptions(
  repo: Repo,
  hooks: SendingHooks = {},
): { hubUrl: string; fetch: Fetch } {
  return { hubUrl: repo.endpoint, fetch: pushFetch(repo, hooks) };
}

/** Awaits a step of a push; its errors name the repository. */
export async function pushStep<T>(repo: Repo, step: Promise<T>): Promise<T> {
  const { name, revision } = repo;
  const failure = `Cannot push to "${name}" at "${revision}"`;
  return await parseResponse(repo, step, { failure });
}

/**
 * A `fetch` that throws on an error status, with an explanation. A request that
 * fails is tried again, unless that might do it twice.
 */
export function pushFetch(
  repo: Repo,
  { onSent = () => {}, onCommit = () => {} }: SendingHooks = {},
): Fetch {
  return async (input, given) => {
    if (/\/commit\/[^/]*$/.test(String(input))) onCommit();
    const init = countedBody(given, onSent);
    const once = init?.method === "POST" &&
      !/\/preupload\/|\/info\/lfs\//.test(String(input));
    // Bodies are texts and blobs, which can be sent again.
    const attempt = () =>
      request(repo, new Request(input, init), { refusal: writeRefusal })
        .catch((error) => {
          const isDoubtful = once && error instanceof Transient &&
            !(error instanceof Busy);
          throw isDoubtful ? asRefused(error) : error;
        });
    const signal = init?.signal ?? undefined;
    return await retrying(attempt, { ...repo.waiting, signal })
      .catch((error) => {
        throw error instanceof Unreachable ? asRefused(error) : error;
      });
  };
}

/** A push has no cache to fall back on, so an unreachable Hub ends it. */
function asRefused(cause: Unreachable): Refused {
  return new Refused(cause.message, { cause });
}

/** Progress of the requests of a push. */
export interface SendingHooks {
  /** Called as bytes of a file are sent; with a negative number before a new try. */
  onSent?: (path: string, bytes: number) => void;
  /** Called before the commit is asked for. */
  onCommit?: () => void;
}

/**
 * The body of a request of `@huggingface/hub`, which tells how much of a large
 * file is sent. It stays a blob: a stream would have no length, without which
 * storage does not take it.
 */
function countedBody(
  init: RequestInit | undefined,
  onSent: Required<SendingHooks>["onSent"],
): RequestInit | undefined {
  const path = pathOf(init);
  if (path === null || !(init?.body instanceof Blob)) return init;
  const body = new CountedBlob(init.body, (bytes) => onSent(path, bytes));
  return { ...init, body };
}

/** The file that a request is for, by the hint that the client gives its `fetch`. */
function pathOf(init: RequestInit | undefined): string | null {
  const hint = init && "progressHint" in init ? init.progressHint : null;
  const path = typeof hint === "object" && hint !== null && "path" in hint
    ? hint.path
    : null;
  return typeof path === "string" ? path : null;
}

class CountedBlob extends Blob {
  #read = 0;
  #tries = 0;

  constructor(
    private readonly content: Blob,
    private readonly onRead: (bytes: number) => void,
  ) {
    super();
  }

  override get size(): number {
    return this.content.size;
  }

  override stream(): ReturnType<Blob["stream"]> {
    const attempt = ++this.#tries;
    this.#count(-this.#read);
    return this.content.stream().pipeThrough(
      new TransformStream({
        transform: (piece, to) => {
          // A request that was refused may still read; it no longer counts.
          if (attempt === this.#tries) this.#count(piece.length);
          to.enqueue(piece);
        },
      }),
    );
  }

  #count(bytes: number): void {
    this.#read += bytes;
    if (bytes !== 0) this.onRead(bytes);
  }
}
