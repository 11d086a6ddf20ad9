/** Requests of `@huggingface/hub`, and its reading of the responses. */
import { chunksOf, send } from "./network.ts";
import { type Refusal, Refused } from "./refusal.ts";
import { type Repo, titleOf } from "./repo.ts";
import { Unreachable } from "./retry.ts";

/** The function by which `@huggingface/hub` sends requests. */
export type Fetch = typeof fetch;

/** A response that cannot be used; the message says what is wrong with it. */
export class InvalidResponse extends Error {}

/** Bytes of one response: far more than the Hub sends. */
const MAX_BYTES = 16_000_000;

/**
 * Sends a request and waits for the whole response. A read has to be answered
 * in time; a write may take its time until the response begins.
 *
 * @param refusal makes the error for an error status.
 * @throws InvalidResponse if the response is too large.
 */
export async function request(
  repo: Repo,
  asked: Request,
  { refusal }: { refusal: Refusal },
): Promise<Response> {
  const soon = () =>
    AbortSignal.any([
      asked.signal,
      AbortSignal.timeout(repo.responseTimeout),
    ]);
  const signal = asked.method === "GET" ? soon() : asked.signal;
  const response = await send(repo, new Request(asked, { signal }));
  const reading = asked.method === "GET" ? signal : soon();
  const text = textOf(chunksOf(response, reading));
  if (!response.ok) {
    throw refusal(repo, response, { body: await text.catch(() => "") });
  }
  // Some statuses may have no body, not even an empty one.
  return new Response(await text || null, response);
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) {
      throw new InvalidResponse(`a response has more than ${MAX_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/**
 * Awaits the client's reading of responses, and words its errors.
 *
 * @param options `failure` begins the error of a request that is refused or
 * answered oddly.
 * @throws Unreachable if the host does not speak as a Hub.
 */
export async function parseResponse<T>(
  repo: Repo,
  parsing: Promise<T>,
  { failure = `Cannot read ${titleOf(repo)}` } = {},
): Promise<T> {
  const { endpoint } = repo;
  return await parsing.catch((cause) => {
    if (cause instanceof Refused) {
      throw new Error(`${failure}: ${cause.message}`, { cause });
    }
    if (cause instanceof InvalidResponse) {
      throw new Error(`${failure} from ${endpoint}: ${cause.message}`, {
        cause,
      });
    }
    // The client throws these where a response lacks the fields that it reads.
    const isGarbled = cause instanceof SyntaxError ||
      cause instanceof TypeError;
    throw isGarbled
      ? new Unreachable(`${endpoint} does not answer as a Hub`, { cause })
      : cause;
  });
}
