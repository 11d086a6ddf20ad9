import { deepStrictEqual, rejects } from "node:assert/strict";
import { resolveModel } from "lib/hub/resolve.ts";
import { assertPulled, at, RESOLVED, SHARD } from "./faulty_pull.ts";
import { gitHash, sha256 } from "./loopback_files.ts";
import { whole } from "./loopback_hub.ts";
import { assertNothingShown, assertSound } from "./sound_cache.ts";
import { COMMIT, tinyHub, WEIGHTS } from "./tiny_hub.ts";

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

Deno.test("a download for which the disk has no space is not begun", async () => {
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
    /^Error: Cannot pull the model .*: it needs \d+ bytes, and .*models--org--tiny has space for \d+; set HF_HUB_CACHE to another folder$/,
  );
  assertNothingShown(t.cache);
});
