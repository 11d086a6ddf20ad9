/** The only file that opens the network. */
import { setTimeout as later } from "node:timers";
import { type Refusal, Refused, Transient, Unreachable } from "./refusal.ts";
import { type HubAccess, type Repo, titleOf } from "./repo.ts";

/**
 * Sends a request, with the token if it goes to the Hub: not to a storage host
 * that the Hub names, nor where a redirect leads.
 *
 * @returns the response, whatever its status.
 * @throws Unreachable if there is no response, or `HF_HUB_OFFLINE` is set.
 */
export async function send(
  { endpoint, token, offline }: HubAccess,
  asked: Request,
): Promise<Response> {
  if (offline) {
    throw new Unreachable("HF_HUB_OFFLINE is set: unset it to go online");
  }
  const { origin } = new URL(asked.url);
  if (token !== null && origin === new URL(endpoint).origin) {
    asked.headers.set("authorization", `Bearer ${token}`);
  }
  return await fetch(asked).catch((cause) => {
    const what = silence(asked.signal) ?? "cannot be reached";
    throw new Transient(`${origin} ${what}`, { cause });
  });
}

/**
 * What a response brings, chunk by chunk.
 *
 * @param signal the one of its request.
 * @throws Transient if the connection breaks or the signal sounds.
 */
export async function* chunksOf(
  { body, url }: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = (body ?? ReadableStream.from([])).getReader();
  // A body does not always hear of the signal: then it is silent for ever.
  const cancel = () => reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    signal.throwIfAborted();
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    const what = silence(signal) ?? "breaks off";
    throw new Transient(`${new URL(url).origin} ${what}`, { cause });
  } finally {
    signal.removeEventListener("abort", cancel);
    await cancel();
  }
}

/** Why a connection is given up. */
class Silence extends Error {}

function silence({ reason }: AbortSignal): string | null {
  return reason instanceof Silence ? reason.message : null;
}

/** A signal that sounds if it is not calmed for a while, or another one sounds. */
export function watchdog(milliseconds: number, signal: AbortSignal) {
  const silent = new AbortController();
  const seconds = milliseconds / 1000;
  const timer = later(
    () => silent.abort(new Silence(`sends nothing for ${seconds} s`)),
    milliseconds,
  );
  return {
    signal: AbortSignal.any([silent.signal, signal]),
    calm: () => timer.refresh(),
    [Symbol.dispose]: () => timer.close(),
  };
}

/** Answers of the Hub, whole and within bounds, as `@huggingface/hub` reads them. */
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
