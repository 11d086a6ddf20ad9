/** The only file that opens the network. */
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
    throw new Transient(`${origin} cannot be reached`, { cause });
  });
}
