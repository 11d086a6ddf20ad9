import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { resolveModel } from "lib/hub/resolve.ts";
import {
  assertPulled,
  at,
  RESOLVED,
  sent,
  SHARD,
  STORED,
} from "./faulty_pull.ts";
import { cutAfter, holdBack, refuse, whole } from "./loopback_hub.ts";
import { assertNothingShown, assertSound } from "./sound_cache.ts";
import { tinyHub, WEIGHTS } from "./tiny_hub.ts";

const API = "/api/models/org/tiny/revision/main";
const FULL = { [SHARD]: WEIGHTS.length };

Deno.test("a connection that is cut at every 64 KB: each byte comes once", async () => {
  await using t = await tinyHub();
  t.hub.deliver = cutAfter(65_536);
  await assertPulled(t);
  deepStrictEqual(sent(t), FULL);
  strictEqual(t.hub.log.filter((line) => line.startsWith("cdn ")).length, 5);
  ok(t.waits.length >= 4 && t.waits.every((pause) => pause <= 1000));
});

Deno.test("a host that knows no ranges sends all again", async () => {
  await using t = await tinyHub();
  t.hub.deliver = cutAfter(200_000);
  t.hub.tamper = (path, request) => {
    if (path !== STORED || !request.headers.has("range")) return null;
    return new Response(WEIGHTS);
  };
  await assertPulled(t);
});

Deno.test("a host that knows no ranges and always breaks off is given up", async () => {
  await using t = await tinyHub();
  const body = () => cutAfter(200_000)(new TextEncoder().encode(WEIGHTS));
  t.hub.tamper = at(
    STORED,
    9,
    () => new Response(ReadableStream.from(body())),
  );
  await rejects(
    resolveModel("org/tiny", t),
    /^Error: Cannot pull "model.safetensors" of the model "org\/tiny" at "main": http:.* breaks off, 5 times in a row$/,
  );
  assertNothingShown(t.cache);
  await assertSound(t.cache);
});

Deno.test("a body that ends early, cleanly, is completed", async () => {
  await using t = await tinyHub();
  t.hub.tamper = at(
    STORED,
    1,
    () =>
      new Response(ReadableStream.from(whole(new Uint8Array(1000).fill(119)))),
  );
  await assertPulled(t);
  strictEqual(sent(t)[SHARD], WEIGHTS.length - 1000);
});

Deno.test("a host that stalls is asked again, one that is slow is not", async () => {
  await using t = await tinyHub({ HF_HUB_DOWNLOAD_TIMEOUT: "0.4" });
  holdBack(t.hub, 50_000);
  const silent = t.hub.deliver;
  const slow = async function* (bytes: Uint8Array) {
    for (let i = 0; i < bytes.length; i += 50_000) {
      yield bytes.subarray(i, i + 50_000);
      await new Promise((resolve) => setTimeout(resolve, 90));
    }
  };
  let calls = 0;
  t.hub.deliver = (bytes) => {
    if (bytes.length < 1000) return whole(bytes);
    return calls++ === 0 ? silent(bytes) : slow(bytes);
  };
  await assertPulled(t);
  strictEqual(calls, 2);
  strictEqual(t.waits.length, 1);
});

Deno.test("a host that always stalls is given up", async () => {
  await using t = await tinyHub({ HF_HUB_DOWNLOAD_TIMEOUT: "0.02" });
  holdBack(t.hub, 0);
  await rejects(
    resolveModel("org/tiny", t),
    /Cannot pull "\S+" of .*: http:\S+ sends nothing for 0.02 s, 5 times in a row$/,
  );
});

Deno.test("an expired signed address is replaced by a new one", async () => {
  await using t = await tinyHub();
  const used = new Set<string>();
  t.hub.tamper = at(STORED, 3, ({ url }) => {
    used.add(new URL(url).searchParams.get("signature")!);
    return new Response("Request has expired", { status: 403 });
  });
  await assertPulled(t);
  strictEqual(used.size, 3);
  strictEqual(t.hub.log.filter((line) => line === RESOLVED).length, 4);
});

Deno.test("a storage host that always refuses is named", async () => {
  await using t = await tinyHub();
  t.hub.tamper = at(STORED, 9, () => new Response("no", { status: 403 }));
  await rejects(
    resolveModel("org/tiny", t),
    /Cannot pull "model.safetensors" .*: http:\/\/127.0.0.1:\d+ answers with HTTP 403, 5 times in a row$/,
  );
  assertNothingShown(t.cache);
});

const BUSY: [name: string, headers: Record<string, string>, least: number][] = [
  ["Retry-After in seconds", { "retry-after": "7" }, 7_000],
  [
    "Retry-After as a date",
    { "retry-after": new Date(Date.now() + 60_000).toUTCString() },
    40_000,
  ],
  ["RateLimit", { ratelimit: '"api";r=0;t=55' }, 55_000],
  ["nothing", {}, 500],
];

for (const [name, headers, least] of BUSY) {
  Deno.test(`HTTP 429 with ${name} is waited for`, async () => {
    await using t = await tinyHub();
    const told: string[] = [];
    const [onApi, onContent] = [API, RESOLVED].map((path) =>
      at(path, 1, () => refuse(429, "", headers))
    );
    t.hub.tamper = (path, request) =>
      onApi!(path, request) ?? onContent!(path, request);
    const onWait = (text: string) => told.push(text);
    await resolveModel("org/tiny", { ...t, onWait });
    strictEqual(t.waits.length, 2);
    ok(t.waits.every((pause) => pause >= least && pause <= least + 22_000));
    strictEqual(told.length, least > 500 ? 2 : 0);
    if (least > 500) {
      match(told[0]!, /^http:.* answers with HTTP 429; next try in \d+ s$/);
    }
  });
}

Deno.test("a Hub that wants to be left alone for an hour is not waited for", async () => {
  await using t = await tinyHub();
  t.hub.tamper = at(API, 1, () => refuse(429, "", { "retry-after": "3600" }));
  await rejects(
    resolveModel("org/tiny", t),
    /answers with HTTP 429 and asks to wait 3600 s$/,
  );
  deepStrictEqual(t.waits, []);
});

Deno.test("HTTP 5xx is tried again, ever later", async () => {
  await using t = await tinyHub();
  t.hub.tamper = at(API, 4, () => new Response("", { status: 502 }));
  await assertPulled(t);
  strictEqual(t.waits.length, 4);
  t.waits.forEach((pause, i) => {
    ok(pause >= 500 * 2 ** i && pause <= 1000 * 2 ** i);
  });
});

Deno.test("HTTP 5xx without end is named", async () => {
  await using t = await tinyHub();
  t.hub.tamper = at(RESOLVED, 9, () => new Response("", { status: 500 }));
  await rejects(
    resolveModel("org/tiny", t),
    /^Error: Cannot pull "model.safetensors" of the model "org\/tiny" at "main": http:.* answers with HTTP 500, 5 times in a row$/,
  );
  assertNothingShown(t.cache);
  await assertSound(t.cache);
});

const REDIRECTS: [location: string, error: RegExp][] = [
  [RESOLVED, /expected a file, found more than 5 redirects$/],
  ["file:///etc/passwd", /expected a redirect to https, found file:$/],
];

for (const [location, error] of REDIRECTS) {
  Deno.test(`a redirect to ${location} is refused`, async () => {
    await using t = await tinyHub();
    const headers = { location };
    t.hub.tamper = at(
      RESOLVED,
      9,
      () => new Response(null, { status: 307, headers }),
    );
    await rejects(resolveModel("org/tiny", t), error);
    deepStrictEqual(t.waits, []);
  });
}
