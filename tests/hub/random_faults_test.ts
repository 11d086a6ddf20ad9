import { match, ok } from "node:assert/strict";
import { resolveModel } from "lib/hub/resolve.ts";
import { Rng } from "lib/rng.ts";
import { assertPulled } from "./faulty_pull.ts";
import { cutAfter, refuse, whole } from "./loopback_hub.ts";
import { assertSound } from "./sound_cache.ts";
import { names, tinyHub, WEIGHTS } from "./tiny_hub.ts";

/** Ways in which an answer goes wrong. */
const FAULTS: readonly ((rng: Rng) => Response)[] = [
  () => refuse(500, ""),
  () => refuse(429, "", { "retry-after": "1" }),
  () => refuse(403, "GatedRepo"),
  () => refuse(404, "EntryNotFound"),
  () => new Response("<html>"),
  () => new Response(""),
  (rng) => new Response(WEIGHTS.slice(rng.integer(WEIGHTS.length))),
  (rng) => streamed("v".repeat(rng.integer(WEIGHTS.length))),
  () => streamed(WEIGHTS.replace("w", "v")),
  () => streamed(WEIGHTS + "w"),
  (rng) =>
    new Response("w".repeat(100), {
      status: 206,
      headers: { "content-range": `bytes ${rng.integer(9)}-100/300000` },
    }),
  () => new Response(null, { status: 416 }),
  () => new Response(null, { status: 302, headers: { location: "/none" } }),
];

/** Without a length that would tell. */
function streamed(text: string): Response {
  const bytes = new TextEncoder().encode(text);
  return new Response(ReadableStream.from(whole(bytes)));
}

Deno.test("whatever goes wrong in whatever order, the cache stays sound", async () => {
  const messages = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    await using t = await tinyHub();
    const rng = new Rng(`faults ${seed}`);
    t.hub.tamper = () =>
      rng.uniform() < 0.3 ? FAULTS[rng.integer(FAULTS.length)]!(rng) : null;
    for (let pull = 0; pull < 4; pull++) {
      t.hub.deliver = cutAfter(50_000 + rng.integer(300_000));
      const error = await resolveModel("org/tiny", t).then(
        () => null,
        ({ message }: Error) => message,
      );
      if (names(t.home).length > 0) await assertSound(t.cache);
      if (error === null) break;
      match(error, /^Cannot (pull|read) .*org\/tiny/);
      messages.add(error.replaceAll(t.home, "~").replaceAll(/\d+/g, "n"));
    }
    t.hub.tamper = () => null;
    t.hub.deliver = whole;
    await assertPulled(t);
  }
  ok(messages.size > 10, [...messages].join("\n"));
});
