/** The only file that opens the network. */
import { setTimeout as later } from "node:timers";
import type { HubAccess } from "./repo.ts";
import { Transient, Unreachable } from "./retry.ts";

/**
 * Sends a request. The token goes to the Hub alone: not to a storage host that
 * the Hub names, nor where a redirect leads.
 *
 * @returns the response, whatever its status.
 * @throws Unreachable if there is no response, or the environment forbids requests.
 */
export async function send(
  { endpoint, token, offlineBy }: HubAccess,
  request: Request,
): Promise<Response> {
  if (offlineBy !== null) {
    throw new Unreachable(`${offlineBy} is set: unset it to go online`);
  }
  const { origin } = new URL(request.url);
  if (token !== null && origin === new URL(endpoint).origin) {
    request.headers.set("authorization", `Bearer ${token}`);
  }
  return await fetch(request).catch((cause) => {
    const reason = stallReason(request.signal) ?? "cannot be reached";
    throw new Transient(`${origin} ${reason}`, { cause });
  });
}

/**
 * The body of a response, chunk by chunk.
 *
 * @param signal that of its request.
 * @throws Transient if the connection breaks or the signal aborts.
 */
export async function* chunksOf(
  { body, url }: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = (body ?? ReadableStream.from([])).getReader();
  // A body does not always hear of the signal, and then never ends.
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
    const reason = stallReason(signal) ?? "breaks off";
    throw new Transient(`${new URL(url).origin} ${reason}`, { cause });
  } finally {
    signal.removeEventListener("abort", cancel);
    await cancel();
  }
}

/** The reason to give up a connection over which nothing arrives. */
class Stalled extends Error {}

function stallReason({ reason }: AbortSignal): string | null {
  return reason instanceof Stalled ? reason.message : null;
}

/**
 * A watch over a connection: its signal aborts once `reset` has not been called
 * for the time, or when the other signal aborts.
 */
export function watchdog(milliseconds: number, signal: AbortSignal) {
  const stalled = new AbortController();
  const seconds = milliseconds / 1000;
  const timer = later(
    () => stalled.abort(new Stalled(`sends nothing for ${seconds} s`)),
    milliseconds,
  );
  return {
    signal: AbortSignal.any([stalled.signal, signal]),
    reset: () => timer.refresh(),
    [Symbol.dispose]: () => timer.close(),
  };
}
