/** The only file that opens the network. */
import { setTimeout as later } from "node:timers";
import { Transient, Unreachable } from "./refusal.ts";
import type { HubAccess } from "./repo.ts";

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
