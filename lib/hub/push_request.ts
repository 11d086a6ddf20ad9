import { answerTo, type Fetch, understood } from "./answer.ts";
import { countedBody, type OnSent } from "./counted_body.ts";
import {
  Busy,
  Refused,
  Transient,
  Unreachable,
  writeRefusal,
} from "./refusal.ts";
import type { Repo } from "./repo.ts";
import { retrying } from "./retry.ts";

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
