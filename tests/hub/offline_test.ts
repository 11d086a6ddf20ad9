import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { resolveData, resolveModel } from "lib/hub/resolve.ts";
import { gitHash, sha256 } from "./loopback_files.ts";
import {
  COMMIT,
  MODEL,
  names,
  NEEDED,
  OLD,
  type TinyHub,
  tinyHub,
} from "./tiny_hub.ts";

const offline = (t: TinyHub) => ({
  ...t,
  env: { ...t.env, HF_HUB_OFFLINE: "1" },
});

/** The cache that Python's huggingface_hub writes for some files of the model. */
async function asPythonDoes(cache: string, paths: string[]): Promise<void> {
  const write = async (path: string, text: string) => {
    await Deno.mkdir(dirname(join(cache, path)), { recursive: true });
    await Deno.writeTextFile(join(cache, path), text);
  };
  await write("refs/main", COMMIT);
  for (const path of paths) {
    const text = MODEL[path]!;
    const lfs = path.endsWith(".safetensors");
    const hash = lfs ? sha256(text) : gitHash(text);
    await write(`blobs/${hash}`, text);
    const link = join(cache, "snapshots", COMMIT, path);
    await Deno.mkdir(dirname(link), { recursive: true });
    await Deno.symlink(`../../blobs/${hash}`, link);
  }
}

Deno.test("HF_HUB_OFFLINE sends nothing and takes the cache", async () => {
  await using t = await tinyHub();
  const online = await resolveModel("org/tiny", t);
  t.hub.log.length = 0;
  for (const id of ["org/tiny", `org/tiny@${COMMIT}`]) {
    const { folder } = await resolveModel(id, offline(t));
    strictEqual(folder, online.folder);
  }
  deepStrictEqual(t.hub.log, []);
});

Deno.test("offline, a branch stands where it was pulled", async () => {
  await using t = await tinyHub();
  t.model.refs.main = OLD;
  await resolveModel("org/tiny", t);
  t.model.refs.main = COMMIT;
  const { folder } = await resolveModel("org/tiny", offline(t));
  strictEqual(folder, join(t.cache, "snapshots", OLD));
});

Deno.test("offline and never pulled: the error says how to go online", async () => {
  await using t = await tinyHub();
  for (const id of ["org/tiny", `org/tiny@${COMMIT}`]) {
    await rejects(
      resolveModel(id, offline(t)),
      /^Error: Cannot pull the model "org\/tiny" at ".*": the cache \/.*models--org--tiny lacks it, and HF_HUB_OFFLINE is set: unset it to go online$/,
    );
  }
});

Deno.test("files that Python tools pulled are found, with and without network", async () => {
  await using t = await tinyHub();
  await asPythonDoes(t.cache, [...NEEDED, "pytorch_model.bin"]);
  const found = await resolveModel("org/tiny", offline(t));
  strictEqual(found.folder, join(t.cache, "snapshots", COMMIT));
  strictEqual(t.hub.log.length, 0);
  deepStrictEqual(await resolveModel("org/tiny", t), found);
  deepStrictEqual(t.hub.log.filter((path) => !path.startsWith("/api/")), []);
});

Deno.test("files that Python tools pulled in part are completed", async () => {
  await using t = await tinyHub();
  await asPythonDoes(t.cache, ["config.json", "tokenizer.json"]);
  await rejects(
    resolveModel("org/tiny", offline(t)),
    /^Error: Cannot find weights in the cache of the model "org\/tiny" at "main" \(HF_HUB_OFFLINE is set.*\): expected \*\.safetensors, it has config.json, tokenizer.json$/,
  );
  const { folder } = await resolveModel("org/tiny", t);
  deepStrictEqual(names(folder), NEEDED);
  deepStrictEqual(t.hub.log.filter((path) => !path.startsWith("/api/")), [
    `/org/tiny/resolve/${COMMIT}/model.safetensors`,
    `cdn /models/org/tiny/${COMMIT}/model.safetensors`,
  ]);
});

Deno.test("a cached file of the wrong size is pulled again", async () => {
  await using t = await tinyHub();
  const { folder } = await resolveModel("org/tiny", t);
  const weights = join(folder, "model.safetensors");
  await Deno.truncate(await Deno.realPath(weights), 1000);
  await rejects(
    resolveModel("org/tiny", offline(t)),
    /^Error: Cannot pull the model .* lacks model.safetensors, and HF_HUB_OFFLINE/,
  );
  await resolveModel("org/tiny", t);
  strictEqual(await Deno.readTextFile(weights), MODEL["model.safetensors"]);
});

Deno.test("a kept listing names the missing shards of a split offline", async () => {
  await using t = await tinyHub();
  const { files } = await resolveData("org/pairs:train", t);
  await Deno.remove(files[1]!);
  await rejects(
    resolveData("org/pairs:train", offline(t)),
    /lacks data\/train-1.jsonl, and HF_HUB_OFFLINE/,
  );
});

const OUTAGES: Record<string, () => Response | Promise<Response>> = {
  "answers with HTTP 503": () => new Response("busy", { status: 503 }),
  "does not answer as a Hub": () =>
    new Response("<title>Log in to the café's network</title>", {
      headers: { "content-type": "text/html" },
    }),
  "cannot be reached": () =>
    new Promise((resolve) =>
      setTimeout(() => resolve(new Response("late")), 400)
    ),
};

for (const [outage, answer] of Object.entries(OUTAGES)) {
  Deno.test(`a Hub that ${outage}: the cache serves, or the error says so`, async () => {
    await using t = await tinyHub({ HF_HUB_ETAG_TIMEOUT: "0.15" });
    t.hub.tamper = answer;
    await rejects(
      resolveModel("org/tiny", t),
      new RegExp(
        `lacks it, and ${t.hub.endpoint} ${outage}(, 5 times in a row)?$`,
      ),
    );
    t.hub.tamper = () => null;
    await resolveModel("org/tiny", t);
    t.hub.tamper = answer;
    t.waits.length = 0;
    const { source } = await resolveModel("org/tiny", t);
    strictEqual(source.kind === "hub" && source.commit, COMMIT);
    deepStrictEqual(t.waits, []);
  });
}

Deno.test("no server at all: the cache serves", async () => {
  await using t = await tinyHub();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const options = {
    ...t,
    env: { ...t.env, HF_ENDPOINT: `http://127.0.0.1:${port}` },
  };
  await rejects(
    resolveModel("org/tiny", options),
    /cannot be reached, 5 times/,
  );
  await asPythonDoes(t.cache, NEEDED);
  const { folder } = await resolveModel("org/tiny", options);
  deepStrictEqual(names(folder), NEEDED);
});

Deno.test("a pull without a listing may lack files, so a busy Hub is waited for", async () => {
  await using t = await tinyHub();
  await asPythonDoes(t.cache, ["config.json", "model.safetensors"]);
  let busy = 2;
  t.hub.tamper = () => busy-- > 0 ? new Response("", { status: 503 }) : null;
  const { folder } = await resolveModel("org/tiny", t);
  deepStrictEqual(names(folder), NEEDED);
  strictEqual(t.waits.length, 2);
});
