import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { resolveData, resolveModel } from "lib/hub/resolve.ts";
import {
  assertPulled,
  begun,
  partial,
  partialSize,
  sent,
  SHARD,
} from "./faulty_pull.ts";
import { holdBack, refuse, whole } from "./loopback_hub.ts";
import { COMMIT, names, tinyHub, WEIGHTS } from "./tiny_hub.ts";

/** Files that an earlier run may have left of the weights, and the bytes sent then. */
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

Deno.test("the first file that fails stops the others, which go on next time", async () => {
  await using t = await tinyHub();
  const first = 50_000;
  holdBack(t.hub, first);
  const refuseLater = async () => {
    await begun(t, first);
    return refuse(403, "GatedRepo");
  };
  const path = `/org/tiny/resolve/${COMMIT}/tokenizer.json`;
  t.hub.tamper = (asked) => asked === path ? refuseLater() : null;
  await rejects(
    resolveModel("org/tiny", { ...t, parallel: 2 }),
    /^Error: Cannot pull "tokenizer.json" .* HTTP 403 GatedRepo/,
  );
  strictEqual(await partialSize(t), first);
  t.hub.sent = {};
  t.hub.deliver = whole;
  t.hub.tamper = () => null;
  await assertPulled(t);
  strictEqual(sent(t)[SHARD], WEIGHTS.length - first);
});
