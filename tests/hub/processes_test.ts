import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { resolveModel } from "lib/hub/resolve.ts";
import { checkout } from "../places.ts";
import { begun, SHARD } from "./faulty_pull.ts";
import { sha256 } from "./loopback_files.ts";
import { holdBack, whole } from "./loopback_hub.ts";
import { assertNothingShown, assertSound } from "./sound_cache.ts";
import {
  names,
  NEEDED,
  oneCommit,
  type TinyHub,
  tinyHub,
  WEIGHTS,
} from "./tiny_hub.ts";

const SCRIPT = checkout("scripts/pull.ts");
/** Bytes after which the slow Hub waits. */
const BEFORE = 100_000;

/** Another process that pulls the model, started by a shell. */
function pulling({ env }: TinyHub, before = ""): Deno.ChildProcess {
  return new Deno.Command("/bin/sh", {
    args: [
      "-c",
      `${before} exec "$0" run -A "$1" org/tiny`,
      Deno.execPath(),
      SCRIPT,
    ],
    env,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("two processes at once: one downloads, the other finds it", async () => {
  await using t = await tinyHub();
  const go = holdBack(t.hub, BEFORE);
  const children = [pulling(t), pulling(t)];
  await begun(t, BEFORE);
  const asked = () =>
    t.hub.log.filter((line) => line.endsWith("revision/main"));
  while (asked().length < 2) await t.sleep(1);
  go();
  const outputs = await Promise.all(children.map((child) => child.output()));
  deepStrictEqual(outputs.map(({ code }) => code), [0, 0]);
  strictEqual(t.hub.sent[SHARD], WEIGHTS.length);
  const [one, two] = outputs.map(({ stdout }) =>
    new TextDecoder().decode(stdout)
  );
  strictEqual(one, two);
  await assertSound(t.cache);
});

Deno.test("a user who waits for another process is told", async () => {
  await using t = await tinyHub();
  const go = holdBack(t.hub, BEFORE);
  const first = resolveModel("org/tiny", t);
  await begun(t, BEFORE);
  const told: string[] = [];
  const onWait = (text: string) => {
    told.push(text);
    go();
  };
  const options = { ...t, onWait };
  deepStrictEqual(await resolveModel("org/tiny", options), await first);
  const words =
    'another process is downloading "model.safetensors" of the model "org/tiny" at "main"';
  strictEqual(told.filter((text) => text === words).length, 1);
});

Deno.test("a process that is killed leaves a beginning, and no lock", async () => {
  await using t = await tinyHub();
  holdBack(t.hub, BEFORE);
  const child = pulling(t);
  await begun(t, BEFORE);
  child.kill("SIGKILL");
  await child.output();
  assertNothingShown(t.cache);
  t.hub.deliver = whole;
  t.hub.sent = {};
  const again = await pulling(t).output();
  strictEqual(again.code, 0, new TextDecoder().decode(again.stderr));
  strictEqual(t.hub.sent[SHARD], WEIGHTS.length - BEFORE);
  await assertSound(t.cache);
  const blobs = names(join(t.cache, "blobs"));
  strictEqual(blobs.length, NEEDED.length);
});

Deno.test({
  name:
    "a full disk is named, nothing is shown, and the bytes that came are kept",
  // Where a shell can bound the size of files.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using t = await tinyHub();
    const weights = "w".repeat(3_000_000);
    t.model.commits =
      oneCommit({ "config.json": "{}", [SHARD]: weights }).commits;
    // 2048 blocks of 512 bytes; a write beyond is an error and no signal.
    const { code, stderr } = await pulling(t, "trap '' XFSZ; ulimit -f 2048;")
      .output();
    strictEqual(code, 1);
    match(
      new TextDecoder().decode(stderr),
      /error: Cannot pull "model.safetensors" of the model "org\/tiny" at "main": Cannot write the Hub cache: .*; set HF_HUB_CACHE to another folder\n$/,
    );
    assertNothingShown(t.cache);
    await assertSound(t.cache);
    const { size } = await Deno.stat(
      join(t.cache, "blobs", `${sha256(weights)}.incomplete`),
    );
    ok(size > 0 && size <= 1 << 20);
    t.hub.sent = {};
    const { folder } = await resolveModel("org/tiny", t);
    strictEqual(await Deno.readTextFile(join(folder, SHARD)), weights);
    strictEqual(t.hub.sent[SHARD], weights.length - size);
  },
});
