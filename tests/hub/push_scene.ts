import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { planPush, type PushOptions } from "lib/hub/plan_push.ts";
import type { PushContent } from "lib/hub/tree.ts";
import { LoopbackHubCommits, TOKEN } from "./loopback_hub_commits.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const WEIGHTS = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 256);
export const TITLE = { title: "Add an adapter" };

/** A Hub, and the contents of an adapter: two files, one for LFS, and a card. */
export async function scene() {
  const hub = new LoopbackHubCommits();
  const folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  await Deno.writeTextFile(place("adapter_config.json"), '{"r":2}');
  await Deno.writeFile(place("adapter_model.safetensors"), WEIGHTS);
  const contents = new Map<string, PushContent>([
    ...["adapter_config.json", "adapter_model.safetensors"]
      .map((name) => [name, pathToFileURL(place(name))] as const),
    ["README.md", new Blob(["# Tiny, naïve\n"])],
  ]);
  const env = {
    HF_ENDPOINT: hub.endpoint,
    HF_TOKEN: TOKEN,
    HF_HOME: place("home"),
  };
  const plan = (options: PushOptions = {}) =>
    planPush("org/tiny", contents, { env, sleep: async () => {}, ...options });
  return {
    hub,
    folder: folder.path,
    contents,
    env,
    plan,
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

export type Scene = Awaited<ReturnType<typeof scene>>;

/** Whether a repository has the contents, and nothing else. */
export async function requireContents(
  { hub, contents }: Scene,
  { ref = "main", more = [] as string[] } = {},
): Promise<void> {
  const files = hub.files("org/tiny", ref);
  deepStrictEqual(
    [...files.keys()].sort(),
    [...contents.keys(), ...more].sort(),
  );
  for (const [path, content] of contents) {
    const bytes = content instanceof URL
      ? await Deno.readFile(content)
      : await content.bytes();
    deepStrictEqual(files.get(path)!.bytes, bytes, path);
    strictEqual(files.get(path)!.lfs, path.endsWith(".safetensors"));
  }
}

/** Paths of the requests that write. */
export const writes = ({ hub }: Scene) =>
  hub.log.filter(({ method }) => method !== "GET").map(({ path }) => path);

/** An answer to the first requests whose path has a part. */
export function failing(
  part: string,
  { status, times = Infinity }: { status: number; times?: number },
): LoopbackHubCommits["tamper"] {
  let left = times;
  return ({ url }) => {
    if (!decodeURIComponent(url).includes(part) || left-- <= 0) return null;
    return Response.json({ error: "told\nso" }, { status });
  };
}
