import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseHubId, repoFor } from "lib/hub/repo.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const ID = { repo: "org/name", revision: null, part: null };
const repoIn = (env: Record<string, string>) => repoFor("model", ID, { env });

const FOLDERS: [env: Record<string, string>, cache: string][] = [
  [{}, join(homedir(), ".cache/huggingface/hub")],
  [{ XDG_CACHE_HOME: "/x" }, "/x/huggingface/hub"],
  [{ XDG_CACHE_HOME: "/x", HF_HOME: "/h" }, "/h/hub"],
  [{ HF_HOME: "~/h" }, join(homedir(), "h/hub")],
  [{ HF_HOME: "/h", HF_HUB_CACHE: "/c" }, "/c"],
];

for (const [env, cache] of FOLDERS) {
  Deno.test(`the cache lies in ${cache} for ${JSON.stringify(env)}`, async () => {
    const { folder } = await repoIn(env);
    strictEqual(folder, join(cache, "models--org--name"));
  });
}

Deno.test("the id's revision goes before the option, and main is last", async () => {
  const named = { ...ID, revision: "v1" };
  const env = {};
  const cases = [
    await repoFor("model", named, { env, revision: "v2" }),
    await repoFor("model", ID, { env, revision: "v2" }),
    await repoFor("model", ID, { env }),
  ];
  strictEqual(cases.map(({ revision }) => revision).join(), "v1,v2,main");
});

Deno.test("the token comes from HF_TOKEN, then from the file in HF_HOME", async () => {
  using folder = temporaryFolder();
  const home = folder.path;
  strictEqual((await repoIn({ HF_HOME: home })).token, null);
  await Deno.writeTextFile(join(home, "token"), "from_file\n");
  strictEqual((await repoIn({ HF_HOME: home })).token, "from_file");
  await Deno.writeTextFile(join(home, "other"), "from_other");
  const path = { HF_HOME: home, HF_TOKEN_PATH: join(home, "other") };
  strictEqual((await repoIn(path)).token, "from_other");
  const older = { HF_HOME: home, HUGGING_FACE_HUB_TOKEN: "from_older" };
  strictEqual((await repoIn(older)).token, "from_older");
  const env = { ...older, HF_TOKEN: "from_env" };
  strictEqual((await repoIn(env)).token, "from_env");
});

Deno.test("HF_HUB_OFFLINE is on for 1, on, yes and true alone", async () => {
  const values = ["1", "ON", "yes", "True", "0", "", "no"];
  const repos = values.map((value) => repoIn({ HF_HUB_OFFLINE: value }));
  const by = (await Promise.all(repos)).map((repo) => repo.offlineBy !== null);
  strictEqual(by.join(), "true,true,true,true,false,false,false");
});

Deno.test("TRANSFORMERS_OFFLINE counts where HF_HUB_OFFLINE is not set", async () => {
  const [hub, older] = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"];
  const cases = [
    [{ [older]: "1" }, older],
    [{ [older]: "yes", [hub]: "" }, older],
    [{ [older]: "1", [hub]: "0" }, null],
    [{ [older]: "0", [hub]: "1" }, hub],
    [{ [older]: "off" }, null],
  ] as const;
  for (const [env, expected] of cases) {
    strictEqual((await repoIn({ ...env })).offlineBy, expected);
  }
});

Deno.test("HF_ENDPOINT loses its last slash and must be a URL", async () => {
  const { endpoint } = await repoIn({ HF_ENDPOINT: "http://localhost:1/" });
  strictEqual(endpoint, "http://localhost:1");
  await rejects(repoIn({ HF_ENDPOINT: "hub.example" }), {
    message:
      'Cannot use HF_ENDPOINT "hub.example": expected a URL such as https://huggingface.co',
  });
});

const IDS = {
  "org/name": ["org/name", null, null],
  "org/name@v1.0": ["org/name", "v1.0", null],
  "org/name:train": ["org/name", null, "train"],
  "org/name@refs/pr/1:en/train.jsonl": [
    "org/name",
    "refs/pr/1",
    "en/train.jsonl",
  ],
  "Org-1/SmolLM2-1.7B_x": ["Org-1/SmolLM2-1.7B_x", null, null],
};

for (const [text, [repo, revision, part]] of Object.entries(IDS)) {
  Deno.test(`"${text}" is a Hub id`, () => {
    deepStrictEqual(parseHubId(text), { repo, revision, part });
  });
}

const PATHS = [
  "name",
  "/org/name",
  "./name",
  "../name",
  "~/name",
  "org/name/more",
  "org/name@",
  "org/name:",
  "org/pairs.jsonl",
  "org/pairs.json.gz",
  "org/pairs.parquet",
  "org/pairs.tsv",
  "org/pairs.jsonl.zst",
  "lib/hub",
  "",
];

for (const text of PATHS) {
  Deno.test(`"${text}" is a local path`, () => {
    strictEqual(parseHubId(text), null);
  });
}
