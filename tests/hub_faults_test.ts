import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import { resolveData, resolveModel } from "lib/hub.ts";
import { gitHash, sha256 } from "./loopback_files.ts";
import { cutAfter, holdBack, refuse, whole } from "./loopback_hub.ts";
import { assertNothingShown, assertSound } from "./sound_cache.ts";
import { COMMIT, MODEL, names, NEEDED, tinyHub, WEIGHTS } from "./tiny_hub.ts";

type Setup = Awaited<ReturnType<typeof tinyHub>>;

const SHARD = "model.safetensors";
const STORED = `/models/org/tiny/${COMMIT}/${SHARD}`;
const RESOLVED = `/org/tiny/resolve/${COMMIT}/${SHARD}`;
const API = "/api/models/org/tiny/revision/main";
const FULL = { [SHARD]: WEIGHTS.length };

/** What was sent of the weights. */
const sent = ({ hub }: Setup) => ({ [SHARD]: hub.sent[SHARD] ?? 0 });

/** Where the weights grow. */
const partial = ({ cache }: Setup) =>
  join(cache, "blobs", `${sha256(WEIGHTS)}.incomplete`);

async function assertPulled(t: Setup): Promise<void> {
  const { folder } = await resolveModel("org/tiny", t);
  deepStrictEqual(names(folder), NEEDED);
  for (const name of NEEDED) {
    strictEqual(await Deno.readTextFile(join(folder, name)), MODEL[name]);
  }
  await assertSound(t.cache);
}

/** Answers some requests for a path in its own way, then leaves it to the Hub. */
function at(
  path: string,
  times: number,
  answer: (request: Request) => Response,
): Setup["hub"]["tamper"] {
  return (asked, request) =>
    asked === path && times-- > 0 ? answer(request) : null;
}

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

Deno.test("a host that falls silent is asked anew, one that is slow is not", async () => {
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

Deno.test("a host that always falls silent is given up", async () => {
  await using t = await tinyHub({ HF_HUB_DOWNLOAD_TIMEOUT: "0.02" });
  holdBack(t.hub, 0);
  await rejects(
    resolveModel("org/tiny", t),
    /Cannot pull "\S+" of .*: http:\S+ (sends nothing for 0.02 s|cannot be reached), 5 times in a row$/,
  );
});

Deno.test("a content that has two paths comes once", async () => {
  await using t = await tinyHub();
  const text = '{"n":4}\n';
  t.pairs.commits[COMMIT] = { "train-0.jsonl": text, "train-1.jsonl": text };
  const told: string[] = [];
  const onWait = (text: string) => told.push(text);
  const { files } = await resolveData("org/pairs", { ...t, onWait });
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  deepStrictEqual(texts, [text, text]);
  strictEqual(t.hub.log.filter((line) => line.includes("resolve")).length, 1);
  deepStrictEqual(told, []);
});

Deno.test("a signed address that has run out is replaced by a new one", async () => {
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

Deno.test("a storage host that refuses for ever is named", async () => {
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

Deno.test("HTTP 5xx for ever ends in words", async () => {
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

const LIES: Record<string, [response: () => Response, error: string]> = {
  "another hash announced": [
    () => redirect({ "x-linked-etag": '"abc"' }),
    `expected the hash ${sha256(WEIGHTS)}, found abc`,
  ],
  "another size announced": [
    () => redirect({ "x-linked-size": "5" }),
    "expected 300000 bytes, found 5",
  ],
  "another length": [
    () => new Response("short"),
    "expected 300000 bytes, found 5",
  ],
  "a part that nobody asked for": [
    () =>
      new Response("short", {
        status: 206,
        headers: { "content-range": "bytes 10-14/300000" },
      }),
    "expected bytes from 0 of 300000, found bytes 10-14/300000",
  ],
  "too much": [
    () => new Response(ReadableStream.from(whole(new Uint8Array(300_001)))),
    "expected 300000 bytes, found more",
  ],
  "other bytes": [
    () => new Response(WEIGHTS.replace("w", "v")),
    `expected sha256 ${sha256(WEIGHTS)}, found ${
      sha256(WEIGHTS.replace("w", "v"))
    }`,
  ],
};

function redirect(headers: Record<string, string>): Response {
  const location = "http://127.0.0.1:1/nowhere";
  return new Response(null, { status: 302, headers: { location, ...headers } });
}

for (const [name, [response, error]] of Object.entries(LIES)) {
  Deno.test(`${name}: refused, nothing is shown, the next pull mends it`, async () => {
    await using t = await tinyHub();
    t.hub.tamper = at(RESOLVED, 9, response);
    await rejects(resolveModel("org/tiny", t), {
      message:
        `Cannot pull "${SHARD}" of the model "org/tiny" at "main": ${error}`,
    });
    deepStrictEqual(t.waits, []);
    assertNothingShown(t.cache);
    await assertSound(t.cache);
    t.hub.tamper = () => null;
    await assertPulled(t);
  });
}

Deno.test("another byte in a git file is refused too", async () => {
  await using t = await tinyHub();
  const path = `/org/tiny/resolve/${COMMIT}/tokenizer.json`;
  t.hub.tamper = at(path, 1, () => new Response("[]"));
  await rejects(
    resolveModel("org/tiny", t),
    new RegExp(`expected git hash ${gitHash("{}")}, found ${gitHash("[]")}$`),
  );
  assertNothingShown(t.cache);
});

/** What an earlier run may have left of the weights, and what is asked then. */
const LEFT: Record<string, [text: string, sent: number]> = {
  "a beginning": ["w".repeat(100_000), 200_000],
  "all of it": [WEIGHTS, 0],
  "spoilt bytes": ["v".repeat(100_000), 500_000],
  "too much": ["w".repeat(300_001), 300_000],
};

for (const [name, [text, bytes]] of Object.entries(LEFT)) {
  Deno.test(`${name} left by an earlier run: ${bytes} bytes are sent`, async () => {
    await using t = await tinyHub();
    await Deno.mkdir(join(t.cache, "blobs"), { recursive: true });
    await Deno.writeTextFile(partial(t), text);
    await assertPulled(t);
    deepStrictEqual(sent(t), { [SHARD]: bytes });
  });
}

Deno.test("a link in place of a beginning is not followed", async () => {
  await using t = await tinyHub();
  const outside = join(t.home, "outside");
  await Deno.writeTextFile(outside, "precious");
  await Deno.mkdir(join(t.cache, "blobs"), { recursive: true });
  await Deno.symlink(outside, partial(t));
  await assertPulled(t);
  strictEqual(await Deno.readTextFile(outside), "precious");
});

Deno.test("a link out of the cache is no file of the repository", async () => {
  await using t = await tinyHub();
  const { folder } = await resolveModel("org/tiny", t);
  const outside = join(t.home, "outside");
  await Deno.writeTextFile(outside, "[]");
  await Deno.remove(join(folder, "tokenizer.json"));
  await Deno.symlink(outside, join(folder, "tokenizer.json"));
  await assertPulled(t);
  await Deno.remove(folder, { recursive: true });
  await Deno.mkdir(join(t.home, "elsewhere"));
  await Deno.symlink(join(t.home, "elsewhere"), folder);
  await rejects(
    resolveModel("org/tiny", t),
    /^Error: Cannot write "config.json" to the Hub cache: .* leads elsewhere$/,
  );
  deepStrictEqual(names(join(t.home, "elsewhere")), []);
});

Deno.test("what the disk has no room for is not begun", async () => {
  await using t = await tinyHub();
  const entries = ["config.json", SHARD].map((path) => ({
    type: "file",
    path,
    size: 2 ** 52,
    oid: gitHash(""),
  }));
  t.hub.tamper = (path) =>
    path.includes("/tree/") ? Response.json(entries) : null;
  await rejects(
    resolveModel("org/tiny", t),
    /^Error: Cannot pull the model .*: \d+ bytes are to come, and .*models--org--tiny has room for \d+; HF_HUB_CACHE names another place$/,
  );
  assertNothingShown(t.cache);
});

Deno.test("the first file that fails stops the others, which go on next time", async () => {
  await using t = await tinyHub();
  t.hub.deliver = async function* (bytes) {
    for (let i = 0; i < bytes.length; i += 50_000) {
      yield bytes.subarray(i, i + 50_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const path = `/org/tiny/resolve/${COMMIT}/tokenizer.json`;
  t.hub.tamper = (asked) => asked === path ? refuseLater() : null;
  const refuseLater = async () => {
    while (!t.hub.sent[SHARD]) await t.sleep(1);
    return refuse(403, "GatedRepo");
  };
  await rejects(
    resolveModel("org/tiny", { ...t, parallel: 2 }),
    /^Error: Cannot pull "tokenizer.json" .* HTTP 403 GatedRepo/,
  );
  ok(t.hub.sent[SHARD]! < WEIGHTS.length);
  const { size } = await Deno.stat(partial(t));
  t.hub.sent = {};
  t.hub.deliver = whole;
  t.hub.tamper = () => null;
  await assertPulled(t);
  strictEqual(sent(t)[SHARD], WEIGHTS.length - size);
});
