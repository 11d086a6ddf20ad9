import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { push } from "lib/hub/push.ts";
import { TOKEN } from "./loopback_hub_commits.ts";
import {
  failing,
  requireContents,
  scene,
  TITLE,
  writes,
} from "./push_scene.ts";

Deno.test("the token goes to the Hub and not to its storage", async () => {
  await using t = await scene();
  t.hub.partSize = 1500;
  await push(await t.plan(), TITLE);
  const tokens = (host: string) =>
    new Set(t.hub.log.filter((line) => line.host === host).map((l) => l.token));
  deepStrictEqual([...tokens("hub")], [`Bearer ${TOKEN}`]);
  deepStrictEqual([...tokens("storage")], [null]);
});

const FAULTS: [part: string, status: number, error: RegExp][] = [
  ["/preupload/", 403, /HTTP 403 .* may not write there; told so$/],
  ["/preupload/", 500, /HTTP 500 from http:\S+; told so, 5 times in a row$/],
  ["/objects/batch", 429, /HTTP 429 from http:\S+; told so, 5 times in a row$/],
  ["/objects/batch", 404, /HTTP 404 .* no such repository, or the token/],
  ["/commit/", 403, /HTTP 403 .* may not write there; told so$/],
  ["/commit/", 409, /HTTP 409 .* somebody has changed it/],
  ["/commit/", 400, /HTTP 400 from http:\S+; told so$/],
  ["/commit/", 503, /HTTP 503 from http:\S+; told so$/],
];

for (const [part, status, error] of FAULTS) {
  Deno.test(`HTTP ${status} at ${part} leaves the repository as it was`, async () => {
    await using t = await scene();
    t.hub.add("org/tiny", { "notes.txt": "mine" });
    const plan = await t.plan();
    t.hub.tamper = failing(part, { status });
    await rejects(push(plan, TITLE), error);
    deepStrictEqual([...t.hub.files("org/tiny").keys()], ["notes.txt"]);
    t.hub.tamper = () => null;
    await push(plan, TITLE);
    await requireContents(t, { more: ["notes.txt"] });
  });
}

Deno.test("a branch that the Hub does not create is named", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  const plan = await t.plan({ revision: "rank" });
  t.hub.tamper = failing("/branch/", { status: 403 });
  await rejects(
    push(plan, TITLE),
    /^Error: Cannot push to "org\/tiny" at "rank": HTTP 403 .* may not write there; told so$/,
  );
});

Deno.test("a busy Hub is asked again, but never twice for a commit", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  t.hub.tamper = failing("/preupload/", { status: 503, times: 2 });
  await push(await t.plan(), TITLE);
  await requireContents(t);
  strictEqual(writes(t).filter((path) => path.includes("preupload")).length, 3);
  t.contents.set("README.md", new Blob(["# Better"]));
  t.hub.tamper = failing("/commit/", { status: 502 });
  t.hub.log.length = 0;
  await rejects(push(await t.plan(), TITLE), /HTTP 502/);
  strictEqual(writes(t).filter((path) => path.includes("commit")).length, 1);
});

Deno.test("a commit for which the Hub was too busy is sent again", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  t.hub.tamper = failing("/commit/", { status: 429, times: 2 });
  await push(await t.plan(), TITLE);
  await requireContents(t);
});

for (const [part, times] of [["/preupload/", 5], ["/commit/", 1]] as const) {
  Deno.test(`an answer to ${part} that does not end is waited for ${times} times`, async () => {
    await using t = await scene();
    t.hub.add("org/tiny");
    const { repo, ...others } = await t.plan();
    const plan = { repo: { ...repo, responseTimeout: 100 }, ...others };
    t.hub.log.length = 0;
    t.hub.tamper = ({ url }) =>
      url.includes(part) ? new Response(new ReadableStream()) : null;
    await rejects(push(plan, TITLE), /^Error: Cannot push to .* breaks off/);
    strictEqual(writes(t).filter((path) => path.includes(part)).length, times);
  });
}

Deno.test("storage that fails or finds another hash ends the push", async () => {
  await using t = await scene();
  t.hub.add("org/tiny");
  const plan = await t.plan();
  t.hub.tamper = ({ method }) =>
    method === "PUT"
      ? Response.json({ error: "BadDigest" }, { status: 400 })
      : null;
  await rejects(
    push(plan, TITLE),
    /storage does not take the file; BadDigest$/,
  );
  strictEqual(t.hub.files("org/tiny").size, 0);
  t.hub.tamper = () => null;
  await push(plan, TITLE);
  await requireContents(t);
});

Deno.test("many large files that fail at once fail in one error", async () => {
  await using t = await scene();
  for (let i = 0; i < 12; i++) {
    t.contents.set(`model-${i}.safetensors`, new Blob([`weights ${i}`]));
  }
  t.hub.add("org/tiny");
  const plan = await t.plan();
  t.hub.tamper = ({ method }) =>
    method === "PUT" ? new Response("", { status: 403 }) : null;
  await rejects(
    push(plan, TITLE),
    /HTTP 403 .* storage does not take the file$/,
  );
  strictEqual(t.hub.files("org/tiny").size, 0);
});
