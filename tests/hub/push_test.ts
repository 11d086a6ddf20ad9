import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { resolveModel } from "lib/hub/resolve.ts";
import type { FileProgress } from "lib/hub/progress.ts";
import { push } from "lib/hub/push.ts";
import { peerTest, runPeer } from "../peer_python.ts";
import { fixture } from "../places.ts";
import {
  failing,
  requireContents,
  scene,
  TITLE,
  writes,
} from "./push_scene.ts";

Deno.test("push() makes a private repository with the files in one commit", async () => {
  await using t = await scene();
  const pushed = await push(await t.plan(), TITLE);
  const repo = t.hub.repos.get("org/tiny")!;
  strictEqual(repo.visibility, "private");
  strictEqual(repo.commits.size, 2); // the first is the Hub's own
  strictEqual(repo.refs.get("main"), pushed!.commit);
  strictEqual(repo.titles.get(pushed!.commit), "Add an adapter");
  await requireContents(t);
});

Deno.test("a pull brings back the bytes that push() sent", async () => {
  await using t = await scene();
  await push(await t.plan(), TITLE);
  const { folder } = await resolveModel("org/tiny", t);
  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    deepStrictEqual(
      await Deno.readFile(join(folder, name)),
      await Deno.readFile(join(t.folder, name)),
    );
  }
});

Deno.test("a second push sends the files that differ", async () => {
  await using t = await scene();
  t.hub.add("org/tiny", { "README.md": "old", "notes.txt": "mine" });
  await push(await t.plan(), TITLE);
  await requireContents(t, { more: ["notes.txt"] });
  t.contents.set("README.md", new Blob(["# Better"]));
  t.hub.log.length = 0;
  const plan = await t.plan();
  deepStrictEqual(plan.files.map(({ change }) => change), [
    "same",
    "same",
    "changed",
  ]);
  deepStrictEqual(plan.others, [".gitattributes", "notes.txt"]);
  await push(plan, TITLE);
  await requireContents(t, { more: ["notes.txt"] });
  deepStrictEqual(writes(t), [
    "/api/models/org/tiny/preupload/main",
    "/api/models/org/tiny/commit/main",
  ]);
  strictEqual(await push(await t.plan(), TITLE), null);
  strictEqual(writes(t).length, 2);
});

Deno.test("an answer without a body is an answer", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  const plan = await t.plan();
  const sha256 = plan.files.find(({ path }) => path.endsWith(".safetensors"))!
    .sha256;
  t.hub.tamper = ({ method }) => {
    if (method !== "PUT") return null;
    const place = join(t.folder, "adapter_model.safetensors");
    t.hub.storage.set(sha256, Deno.readFileSync(place));
    return new Response(null, { status: 204 });
  };
  await push(plan, TITLE);
  await requireContents(t);
});

Deno.test("large files go in parts where the Hub wants it", async () => {
  await using t = await scene();
  t.hub.partSize = 1500;
  await push(await t.plan(), TITLE);
  await requireContents(t);
  const parts = t.hub.log.filter(({ method }) => method === "PUT");
  strictEqual(parts.length, 4);
});

for (const partSize of [Infinity, 1500]) {
  Deno.test(`onFile() hears of bytes sent in parts of ${partSize} bytes, also again`, async () => {
    await using t = await scene();
    t.hub.partSize = partSize;
    let failures = 1;
    t.hub.tamper = ({ method }) =>
      method === "PUT" && failures-- > 0
        ? new Response("", { status: 503 })
        : null;
    const heard: FileProgress[] = [];
    const onFile = (progress: FileProgress) => heard.push(progress);
    await push(await t.plan(), { ...TITLE, onFile });
    const large = heard.filter(({ path }) => path.endsWith(".safetensors"));
    ok(large.every(({ bytes, total }) => bytes <= total && total === 5000));
    strictEqual(large.at(-1)!.bytes, 5000);
    ok(large.length >= (partSize < 5000 ? 5 : 2));
    deepStrictEqual(heard.at(-1)!.all, {
      bytes: 5022,
      total: 5022,
      files: 3,
      whole: 3,
    });
  });
}

Deno.test("a pull request leaves main as it is", async () => {
  await using t = await scene();
  t.hub.add("org/tiny", { "notes.txt": "mine" }, "public");
  const plan = await t.plan({ pullRequest: true, visibility: "public" });
  const pushed = await push(plan, TITLE);
  strictEqual(pushed!.url, `${t.hub.endpoint}/org/tiny/discussions/1`);
  deepStrictEqual([...t.hub.files("org/tiny").keys()], ["notes.txt"]);
  await requireContents(t, { ref: "refs/pr/1", more: ["notes.txt"] });
});

Deno.test("a missing branch is created from main", async () => {
  await using t = await scene();
  t.hub.add("org/tiny", { "notes.txt": "mine" });
  const plan = await t.plan({ revision: "rank/2" });
  strictEqual(plan.creates, "branch");
  await push(plan, TITLE);
  deepStrictEqual([...t.hub.files("org/tiny").keys()], ["notes.txt"]);
  await requireContents(t, { ref: "rank/2", more: ["notes.txt"] });
  const { creates, files } = await t.plan({ revision: "rank/2" });
  strictEqual(creates, null);
  ok(files.every(({ change }) => change === "same"));
});

Deno.test("a commit that came in between is not overwritten", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  const [mine, other] = [await t.plan(), await t.plan()];
  await push(other, TITLE);
  const before = t.hub.files("org/tiny");
  await rejects(push(mine, TITLE), /HTTP 412 .* somebody has changed it/);
  deepStrictEqual(t.hub.files("org/tiny"), before);
});

Deno.test("an answer to the commit that is not a Hub's is named", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  const plan = await t.plan();
  t.hub.tamper = ({ url }) =>
    url.includes("/commit/") ? new Response("<p>Please log in") : null;
  await rejects(
    push(plan, TITLE),
    /^Error: http:\S+ does not answer as a Hub$/,
  );
});

Deno.test("a repository that was made for a failed push is named", async () => {
  await using t = await scene();
  const plan = await t.plan();
  t.hub.tamper = failing("/commit/", { status: 400 });
  await rejects(
    push(plan, TITLE),
    /told so; the new repository is there, without the files$/,
  );
  strictEqual(t.hub.files("org/tiny").size, 0);
});

for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
  Deno.test(`a commit that does not hold the ${name} of the plan is named`, async () => {
    await using t = await scene();
    t.hub.add("org/tiny");
    const plan = await t.plan();
    await Deno.writeTextFile(join(t.folder, name), "other");
    await rejects(
      push(plan, TITLE),
      RegExp(`commit c+1 does not hold ${name} as on this machine`),
    );
  });
}

Deno.test("a commit that cannot be checked is named", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  const plan = await t.plan();
  t.hub.tamper = failing("/tree/", { status: 403 });
  await rejects(push(plan, TITLE), /as commit c+1, but could not check it: /);
});

peerTest("the loopback Hub takes what Python's client pushes", async () => {
  await using t = await scene();
  const script = fixture("push_folder.py");
  await Deno.writeTextFile(join(t.folder, "README.md"), "# Tiny, naïve\n");
  const env = { ...t.env, HF_HUB_DISABLE_XET: "1" };
  const url = await runPeer(script, { args: [t.folder, "org/tiny"], env });
  strictEqual(url.trim(), `${t.hub.endpoint}/org/tiny/discussions/1`);
  strictEqual(t.hub.repos.get("org/tiny")!.visibility, "private");
  await requireContents(t);
  await requireContents(t, { ref: "refs/pr/1" });
});

peerTest("Python's client finds the files that were pushed", async () => {
  await using t = await scene();
  await push(await t.plan(), TITLE);
  const script = fixture("pull_snapshot.py");
  const found = await runPeer(script, { args: ["org/tiny"], env: t.env });
  for (const [path, { bytes }] of t.hub.files("org/tiny")) {
    deepStrictEqual(await Deno.readFile(join(found.trim(), path)), bytes);
  }
});
