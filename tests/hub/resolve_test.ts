import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { resolveData, resolveModel } from "lib/hub/resolve.ts";
import type { FileProgress } from "lib/hub/progress.ts";
import { gitHash, sha256 } from "./loopback_files.ts";
import {
  COMMIT,
  MODEL,
  names,
  NEEDED,
  oneCommit,
  tinyHub,
  WEIGHTS,
} from "./tiny_hub.ts";

Deno.test("resolveModel() pulls the needed files of the commit, and no others", async () => {
  await using t = await tinyHub();
  const { folder, source } = await resolveModel("org/tiny", t);
  strictEqual(folder, join(t.cache, "snapshots", COMMIT));
  deepStrictEqual(source, {
    kind: "hub",
    repo: "org/tiny",
    revision: "main",
    commit: COMMIT,
  });
  deepStrictEqual(names(folder), NEEDED);
  for (const name of NEEDED) {
    strictEqual(await Deno.readTextFile(join(folder, name)), MODEL[name]);
  }
  const contents = NEEDED.filter((name) => MODEL[name] !== "");
  deepStrictEqual(t.hub.log.slice(0, 4), [
    "/api/models/org/tiny/revision/main",
    ...Array(3).fill(`/api/models/org/tiny/tree/${COMMIT}`),
  ]);
  deepStrictEqual(t.hub.log.slice(4).sort(), [
    ...contents.map((name) => `/org/tiny/resolve/${COMMIT}/${name}`),
    `cdn /models/org/tiny/${COMMIT}/model.safetensors`,
  ]);
});

Deno.test("the cache has the layout of Python's huggingface_hub", async () => {
  await using t = await tinyHub();
  await resolveModel("org/tiny", t);
  const hashes = [
    sha256(WEIGHTS),
    ...NEEDED.filter((name) => name !== "model.safetensors")
      .map((name) => gitHash(MODEL[name]!)),
  ];
  deepStrictEqual(names(join(t.cache, "blobs")), hashes.sort());
  strictEqual(
    await Deno.readLink(
      join(t.cache, "snapshots", COMMIT, "model.safetensors"),
    ),
    `../../blobs/${sha256(WEIGHTS)}`,
  );
  strictEqual(await Deno.readTextFile(join(t.cache, "refs/main")), COMMIT);
  const tree = await Deno.readTextFile(join(t.cache, `trees/${COMMIT}.json`));
  const { format_version: version, files } = JSON.parse(tree);
  strictEqual(version, 1);
  deepStrictEqual(files["pytorch_model.bin"], {
    size: 6,
    blob_id: gitHash("pickle"),
  });
});

Deno.test("a second pull asks for the commit only, a pinned one for nothing", async () => {
  await using t = await tinyHub();
  await resolveModel("org/tiny", t);
  t.hub.log.length = 0;
  await resolveModel("org/tiny", t);
  deepStrictEqual(t.hub.log, ["/api/models/org/tiny/revision/main"]);
  const { source } = await resolveModel(`org/tiny@${COMMIT}`, t);
  deepStrictEqual(source.kind === "hub" && source.revision, COMMIT);
  strictEqual(t.hub.log.length, 1);
});

Deno.test("a path in the Hub's cache is named as the Hub names it, others are not", async () => {
  await using t = await tinyHub();
  const pinned = { kind: "hub", repo: "org/tiny", revision: COMMIT };
  const { folder } = await resolveModel("org/tiny", t);
  const local = await resolveModel(folder);
  deepStrictEqual(local, { folder, source: { ...pinned, commit: COMMIT } });
  const link = join(t.home, "linked");
  await Deno.symlink(folder, link);
  deepStrictEqual((await resolveModel(link)).source, local.source);
  const { files } = await resolveData("org/pairs:test", t);
  const { source } = await resolveData(files[0]!);
  const part = "data/test.jsonl";
  strictEqual(source.kind === "hub" && source.part, part);
  const named = `org/pairs@${source.kind === "hub" && source.commit}:${part}`;
  deepStrictEqual((await resolveData(named, t)).files, files);
  const copy = join(t.home, "copy.jsonl");
  await Deno.copyFile(files[0]!, copy);
  deepStrictEqual((await resolveData(copy)).source, {
    kind: "local",
    path: copy,
  });
});

Deno.test("a branch that moved on brings the files that changed", async () => {
  await using t = await tinyHub();
  await resolveModel("org/tiny@refs/pr/1", t);
  t.model.refs["refs/pr/1"] = COMMIT;
  t.hub.log.length = 0;
  const { folder } = await resolveModel("org/tiny@refs/pr/1", t);
  strictEqual(folder, join(t.cache, "snapshots", COMMIT));
  const asked = t.hub.log.filter((path) => path.includes("resolve"));
  deepStrictEqual(asked, [`/org/tiny/resolve/${COMMIT}/config.json`]);
});

Deno.test("onFile() hears of each file from no bytes to all", async () => {
  await using t = await tinyHub();
  const heard: FileProgress[] = [];
  const onFile = (progress: FileProgress) => heard.push(progress);
  await resolveModel("org/tiny", { ...t, onFile });
  const steps = heard.filter(({ path }) => path === "model.safetensors");
  ok(steps.length > 2);
  ok(steps.every(({ bytes }, i) => bytes >= (steps[i - 1]?.bytes ?? 0)));
  strictEqual(steps[0]!.bytes, 0);
  strictEqual(steps.at(-1)!.bytes, WEIGHTS.length);
  deepStrictEqual([...new Set(heard.map(({ path }) => path))].sort(), NEEDED);
  const total = NEEDED.reduce((sum, name) => sum + MODEL[name]!.length, 0);
  deepStrictEqual(heard.at(-1)!.all, {
    bytes: total,
    total,
    files: NEEDED.length,
    whole: NEEDED.length,
  });
});

Deno.test("the token goes to the Hub and not where it redirects to", async () => {
  await using t = await tinyHub({ HF_TOKEN: "secret" });
  await resolveModel("org/tiny", t);
  const bearers = t.hub.log.filter((line) => line.endsWith(" Bearer secret"));
  const others = t.hub.log.filter((line) => !bearers.includes(line));
  strictEqual(bearers.length, 7);
  deepStrictEqual(others, [`cdn /models/org/tiny/${COMMIT}/model.safetensors`]);
});

Deno.test("two pulls at once do not disturb each other", async () => {
  await using t = await tinyHub();
  const pulls = [resolveModel("org/tiny", t), resolveModel("org/tiny", t)];
  const [one, two] = await Promise.all(pulls);
  deepStrictEqual(one, two);
  deepStrictEqual(names(one!.folder), NEEDED);
  strictEqual(names(join(t.cache, "blobs")).length, NEEDED.length);
});

Deno.test("a cache that cannot be written serves its files", async () => {
  await using t = await tinyHub();
  const { folder } = await resolveModel("org/tiny", t);
  for (const name of ["refs", "trees"]) {
    await Deno.remove(join(t.cache, name), { recursive: true });
    await Deno.writeTextFile(join(t.cache, name), "");
  }
  strictEqual((await resolveModel("org/tiny", t)).folder, folder);
});

Deno.test("a repository that has a new name is found under the old one", async () => {
  await using t = await tinyHub({ HF_TOKEN: "secret" });
  t.hub.tamper = (path) => {
    if (!path.includes("org/old")) return null;
    const location = path.replace("org/old", "org/tiny");
    return new Response(null, { status: 307, headers: { location } });
  };
  const { folder } = await resolveModel("org/old", t);
  deepStrictEqual(names(folder), NEEDED);
});

Deno.test("a question that is sent elsewhere goes there without the token", async () => {
  await using t = await tinyHub({ HF_TOKEN: "secret" });
  const elsewhere: string[] = [];
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ headers }) => {
      elsewhere.push(headers.get("authorization") ?? "none");
      return Response.json({ sha: COMMIT });
    },
  );
  const location = `http://127.0.0.1:${other.addr.port}/`;
  t.hub.tamper = (path) =>
    path.endsWith("revision/main")
      ? new Response(null, { status: 307, headers: { location } })
      : null;
  await resolveModel("org/tiny", t);
  deepStrictEqual(elsewhere, ["none"]);
});

Deno.test("a cache that cannot be written is named", async () => {
  await using t = await tinyHub();
  const file = join(t.home, "file");
  await Deno.writeTextFile(file, "");
  const env = { ...t.env, HF_HUB_CACHE: join(file, "cache") };
  await rejects(
    resolveModel("org/tiny", { env }),
    /Cannot write the Hub cache: Not a directory .*; set HF_HUB_CACHE to another folder$/,
  );
});

Deno.test("resolveData() pulls the files of a split, over all pages of the listing", async () => {
  await using t = await tinyHub();
  const { files, source } = await resolveData("org/pairs:train", t);
  const folder = join(t.home, "hub/datasets--org--pairs/snapshots", COMMIT);
  const expected = ["data/train-0.jsonl", "data/train-1.jsonl"];
  deepStrictEqual(files, expected.map((path) => join(folder, path)));
  strictEqual(await Deno.readTextFile(files[0]!), '{"n":2}\n');
  deepStrictEqual(source, {
    kind: "hub",
    repo: "org/pairs",
    revision: "main",
    commit: COMMIT,
    part: "train",
  });
  deepStrictEqual(names(join(folder, "data")), [
    "train-0.jsonl",
    "train-1.jsonl",
  ]);
});

Deno.test("resolveModel() pulls only a tokenizer's files, and the rest later", async () => {
  await using t = await tinyHub();
  const needed = ["config.json", "special_tokens_map.json", "tokenizer.json"];
  const { folder } = await resolveModel("org/tiny", {
    ...t,
    only: "tokenizer",
  });
  deepStrictEqual(names(folder), needed);
  await resolveModel("org/tiny", t);
  deepStrictEqual(names(folder), NEEDED);
});

Deno.test("resolveModel() pulls an adapter", async () => {
  await using t = await tinyHub();
  const files = {
    "README.md": "",
    "adapter_config.json": "{}",
    "adapter_model.safetensors": "A",
  };
  t.repos["models/org/adapter"] = oneCommit(files);
  const { folder } = await resolveModel("org/adapter", t);
  deepStrictEqual(names(folder), [
    "adapter_config.json",
    "adapter_model.safetensors",
  ]);
});

Deno.test("resolveModel() pulls one GGUF file, from the newer storage too", async () => {
  await using t = await tinyHub();
  const files = { "tiny-Q4_0.gguf": "4", "tiny-Q8_0.gguf": "8" };
  t.repos["models/org/quantized"] = oneCommit(files);
  const { folder: file, source } = await resolveModel(
    "org/quantized:tiny-Q8_0.gguf",
    t,
  );
  strictEqual(await Deno.readTextFile(file), "8");
  strictEqual(source.kind === "hub" && source.part, "tiny-Q8_0.gguf");
  deepStrictEqual(names(dirname(file)), ["tiny-Q8_0.gguf"]);
  deepStrictEqual(t.hub.sent, { "tiny-Q8_0.gguf": 1 });
  await rejects(
    resolveModel("org/quantized", t),
    /^Error: Cannot find config.json .*; name a .gguf file, as in org\/name:file.gguf$/,
  );
  await rejects(
    resolveModel("org/tiny:q8", t),
    /^Error: Cannot find "q8" in the model "org\/tiny" at "main": expected a .gguf file, it has /,
  );
});

Deno.test("a local model or data set stays where it is", async () => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "pairs.jsonl");
  await Deno.writeTextFile(file, "{}\n");
  await Deno.writeTextFile(join(folder, "README.md"), "");
  const local = (path: string) => ({ kind: "local", path });
  const model = await resolveModel(folder);
  deepStrictEqual(model, { folder, source: local(folder) });
  const data = await resolveData(folder);
  deepStrictEqual(data, { files: [file], source: local(folder) });
  deepStrictEqual(await resolveData(file), {
    files: [file],
    source: local(file),
  });
  await rejects(resolveModel(file), /Cannot use ".*" as a model: it is a file/);
  const quantized = join(folder, "tiny.GGUF");
  await Deno.writeTextFile(quantized, "GGUF");
  strictEqual((await resolveModel(quantized)).folder, quantized);
  await Deno.remove(folder, { recursive: true });
  await rejects(resolveData(file), {
    message:
      `Cannot find the data "${file}": there is no such file or folder, and it is not a Hub id (org/name)`,
  });
});
