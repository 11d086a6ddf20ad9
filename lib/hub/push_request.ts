import { answerTo, type Fetch, understood } from "./network.ts";
import {
  Busy,
  Refused,
  retrying,
  Transient,
  Unreachable,
  writeRefusal,
} from "./refusal.ts";
import type { Repo } from "./repo.ts";

/** How `@huggingface/hub` gets at the Hub to push. */
export function clientOptions(
  repo: Repo,
  { onSent }: { onSent?: OnSent } = {},
): { hubUrl: string; fetch: Fetch } {
  return { hubUrl: repo.endpoint, fetch: pushing(repo, onSent) };
}

/** What comes of a step of a push; errors say where to. */
export async function pushStep<T>(repo: Repo, step: Promise<T>): Promise<T> {
  const { name, revision } = repo;
  const failure = `Cannot push to "${name}" at "${revision}"`;
  return await understood(repo, step, { failure });
}

/**
 * A `fetch` that throws on an error status, with words for it. What fails is
 * tried again, except for what might be done twice then.
 */
export function pushing(repo: Repo, onSent: OnSent = () => {}): Fetch {
  return async (input, given) => {
    const init = countedBody(given, onSent);
    const once = init?.method === "POST" &&
      !/\/preupload\/|\/info\/lfs\//.test(String(input));
    // Bodies are texts and blobs, which can be sent again.
    const attempt = () =>
      answerTo(repo, new Request(input, init), { refusal: writeRefusal })
        .catch((error) => {
          const isDoubtful = once && error instanceof Transient &&
            !(error instanceof Busy);
          throw isDoubtful ? final(error) : error;
        });
    const signal = init?.signal ?? undefined;
    return await retrying(attempt, { ...repo.waiting, signal })
      .catch((error) => {
        throw error instanceof Unreachable ? final(error) : error;
      });
  };
}

/** No cache serves one who pushes. */
function final(cause: Unreachable): Refused {
  return new Refused(cause.message, { cause });
}

/** Called as bytes of a file go out; with a negative number before a new try. */
export type OnSent = (path: string, bytes: number) => void;

/**
 * The body of a request, as `@huggingface/hub` makes it, that tells what of a
 * large file goes out. It stays a blob: a stream would have no length, without
 * which storage does not take it.
 */
export function countedBody(
  init: RequestInit | undefined,
  onSent: OnSent,
): RequestInit | undefined {
  const path = pathOf(init);
  if (path === null || !(init?.body instanceof Blob)) return init;
  const body = new CountedBlob(init.body, (bytes) => onSent(path, bytes));
  return { ...init, body };
}

/** The file that a request is for: what the client tells its `fetch` of it. */
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
          // What a refused request still reads is of no interest.
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
