import { countedBody, type OnSent } from "./counted_body.ts";
import { send } from "./network.ts";
import { ailing, NoRevision, Transient, Unreachable } from "./refusal.ts";
import type { Repo } from "./repo.ts";
import { retrying } from "./retry.ts";

/** The Hub has no such repository, or none that the token may see. */
export class NoRepository extends Error {}

/** How `@huggingface/hub` gets at the Hub to push. */
export function hubOf(
  repo: Repo,
  { onSent = () => {} }: { onSent?: OnSent } = {},
): { hubUrl: string; fetch: typeof fetch } {
  return { hubUrl: repo.endpoint, fetch: pushing(repo, onSent) };
}

/**
 * A `fetch` that throws on an error status, with words for it. A busy Hub is
 * asked again, except for what might be done twice then.
 */
function pushing(repo: Repo, onSent: OnSent): typeof fetch {
  return async (input, given) => {
    const init = countedBody(given, onSent);
    const once = init?.method === "POST" &&
      !/\/preupload\/|\/info\/lfs\//.test(String(input));
    const attempt = async () => {
      // Bodies are texts and blobs, which can be sent again.
      const asked = inTime(repo, new Request(input, init));
      const answer = await send(repo, asked).catch((error) => {
        throw once ? new Unreachable(error.message, { cause: error }) : error;
      });
      if (answer.ok) return answer;
      throw await refused(repo, answer, { once });
    };
    const signal = init?.signal ?? undefined;
    return await retrying(attempt, {
      ...repo.waiting,
      ...signal && { signal },
    });
  };
}

/** Questions want an answer soon; what is sent may take its time. */
function inTime({ patience }: Repo, asked: Request): Request {
  if (asked.method !== "GET") return asked;
  const signals = [asked.signal, AbortSignal.timeout(patience)];
  return new Request(asked, { signal: AbortSignal.any(signals) });
}

/** What a status of the Hub means to one who pushes. */
const MEANINGS: Readonly<Record<number, string>> = {
  401: "the token of HF_TOKEN or its file is not valid there",
  403: "the token of HF_TOKEN or its file may not write there",
  404: "there is no such repository, or the token may not see it",
  409: "it is there already, or somebody has changed it: look, and push again",
  412: "somebody has changed it: look, and push again",
};

/**
 * Says what it means that the Hub, or its storage, answers with an error.
 *
 * @param options `once`: it may have been done nevertheless, if the Hub failed.
 */
async function refused(
  repo: Repo,
  answer: Response,
  { once }: { once: boolean },
): Promise<Error> {
  const { name, endpoint, revision } = repo;
  const { status, headers } = answer;
  const { origin } = new URL(answer.url);
  const code = headers.get("x-error-code") ?? "";
  const isHub = origin === new URL(endpoint).origin;
  const parts = [
    `HTTP ${status}${code && ` ${code}`} from ${origin}`,
    isHub ? MEANINGS[status] ?? "" : "its storage does not take the file",
    await ownWords(answer),
  ];
  const message = `Cannot push to "${name}" at "${revision}": ${
    parts.filter((part) => part !== "").join("; ")
  }`;
  const busy = once && status !== 429 ? null : ailing(answer);
  if (busy) return new Transient(message, { after: busy.after });
  if (code === "RevisionNotFound") return new NoRevision(message);
  if (status === 404 && isHub) return new NoRepository(message);
  return new Error(message);
}

/** What the Hub says about it, on one line. */
async function ownWords(answer: Response): Promise<string> {
  const body: unknown = await answer.json().catch(() => null);
  const found = typeof body === "object" && body !== null && "error" in body
    ? body.error
    : "";
  return String(found).replace(/\s+/g, " ").trim().slice(0, 300);
}
