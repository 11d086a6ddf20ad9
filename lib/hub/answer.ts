/** Answers of the Hub, whole and within bounds, as `@huggingface/hub` reads them. */
import { chunksOf, send } from "./network.ts";
import { type Refusal, Refused, Unreachable } from "./refusal.ts";
import { type Repo, titleOf } from "./repo.ts";

/** Bytes of one answer: far more than the Hub's own have. */
const MOST_BYTES = 16_000_000;

/** What `@huggingface/hub` asks through. */
export type Fetch = typeof fetch;

/** An answer that is not to be used; the message says what is wrong with it. */
export class InvalidAnswer extends Error {}

/**
 * Asks, and waits for the whole answer. A question has to be answered soon;
 * what is sent may take its time, until the answer begins.
 *
 * @param refusal finds the error for an error status.
 */
export async function answerTo(
  repo: Repo,
  asked: Request,
  { refusal }: { refusal: Refusal },
): Promise<Response> {
  const soon = () =>
    AbortSignal.any([asked.signal, AbortSignal.timeout(repo.patience)]);
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
    if (bytes > MOST_BYTES) {
      throw new InvalidAnswer(`an answer has more than ${MOST_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/**
 * What the client makes of answers; errors say what could not be done where it
 * was refused, or an answer is odd.
 */
export async function understood<T>(
  repo: Repo,
  answer: Promise<T>,
  { failure = `Cannot read ${titleOf(repo)}` } = {},
): Promise<T> {
  const { endpoint } = repo;
  return await answer.catch((cause) => {
    if (cause instanceof Refused) {
      throw new Error(`${failure}: ${cause.message}`, { cause });
    }
    if (cause instanceof InvalidAnswer) {
      throw new Error(`${failure} from ${endpoint}: ${cause.message}`, {
        cause,
      });
    }
    // The client stumbles over what has not the form of an answer.
    const garbled = cause instanceof SyntaxError || cause instanceof TypeError;
    throw garbled
      ? new Unreachable(`${endpoint} does not answer as a Hub`, { cause })
      : cause;
  });
}
