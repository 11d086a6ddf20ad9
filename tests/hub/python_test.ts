import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { resolveModel } from "lib/hub/resolve.ts";
import { fixture } from "../places.ts";
import { holdBack } from "./loopback_hub.ts";
import { peerTest, runPeer } from "../peer_python.ts";
import { assertSound } from "./sound_cache.ts";
import {
  COMMIT,
  MODEL,
  names,
  NEEDED,
  type TinyHub,
  tinyHub,
  WEIGHTS,
} from "./tiny_hub.ts";

const SCRIPT = fixture("hub_client.py");
const SHARD = "model.safetensors";
const QUANTIZED = "tiny.gguf";
/** Bytes that are sent before the Hub waits. */
const BEFORE = 100_000;
const ALL = [...NEEDED, QUANTIZED];

/** A Hub whose model has a file on the newer storage as well. */
async function hubWithGguf(): Promise<TinyHub> {
  const t = await tinyHub();
  t.model.commits[COMMIT] = { ...MODEL, [QUANTIZED]: "GGUF" };
  return t;
}

/** The files that Python's client finds, and their paths. */
async function pythonPulls(
  { env }: TinyHub,
  more: Record<string, string> = {},
): Promise<{ folder: string; paths: Record<string, string> }> {
  const printed = await runPeer(SCRIPT, {
    args: ["org/tiny", "main", ...ALL],
    env: {
      ...env,
      HF_HUB_DISABLE_XET: "1",
      HF_HUB_DISABLE_TELEMETRY: "1",
      HF_HUB_DISABLE_PROGRESS_BARS: "1",
      ...more,
    },
  });
  return JSON.parse(printed);
}

peerTest(
  "Python's client waits for us, and finds what we have pulled",
  async () => {
    await using t = await hubWithGguf();
    const go = holdBack(t.hub, BEFORE);
    await resolveModel(`org/tiny:${QUANTIZED}`, t);
    const ours = resolveModel("org/tiny", t);
    const head = `HEAD  /org/tiny/resolve/${COMMIT}/${SHARD}`;
    const python = pythonPulls(t);
    while (!t.hub.log.includes(head)) await t.sleep(1);
    go();
    const { folder } = await ours;
    const theirs = await python;
    strictEqual(theirs.folder, folder);
    for (const name of ALL) {
      strictEqual(theirs.paths[name], join(folder, name));
    }
    strictEqual(t.hub.sent[SHARD], WEIGHTS.length);
    strictEqual(t.hub.sent[QUANTIZED], 4);
    t.hub.log.length = 0;
    deepStrictEqual(await pythonPulls(t, { HF_HUB_OFFLINE: "1" }), theirs);
    deepStrictEqual(t.hub.log, []);
    await assertSound(t.cache);
  },
);

peerTest(
  "we wait for Python's client, and find the files that it pulled",
  async () => {
    await using t = await hubWithGguf();
    const go = holdBack(t.hub, BEFORE);
    const python = pythonPulls(t);
    const storage = `cdn /models/org/tiny/${COMMIT}/${SHARD}`;
    while (!t.hub.log.includes(storage)) await t.sleep(1);
    const told: string[] = [];
    const onWait = (text: string) => {
      told.push(text);
      go();
    };
    const { folder } = await resolveModel("org/tiny", { ...t, onWait });
    strictEqual((await python).folder, folder);
    ok(
      told.some((text) =>
        text.startsWith(`another process is downloading "${SHARD}"`)
      ),
    );
    t.hub.log.length = 0;
    const offline = { ...t, env: { ...t.env, HF_HUB_OFFLINE: "1" } };
    const { folder: file } = await resolveModel(
      `org/tiny:${QUANTIZED}`,
      offline,
    );
    strictEqual(dirname(file), folder);
    deepStrictEqual(names(folder), ALL.toSorted());
    deepStrictEqual(t.hub.log, []);
    strictEqual(t.hub.sent[SHARD], WEIGHTS.length);
    await assertSound(t.cache);
  },
);
