import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { planPush, type PushOptions } from "lib/hub/plan_push.ts";
import { type Scene, scene, writes } from "./push_scene.ts";

Deno.test("a plan tells the effect of a push, and only reads", async () => {
  await using t = await scene();
  const plan = await t.plan();
  const { creates, visibility, parent } = plan;
  deepStrictEqual({ creates, visibility, parent }, {
    creates: "repository",
    visibility: "private",
    parent: null,
  });
  deepStrictEqual(
    plan.files.map(({ path, size, change }) => [path, size, change]),
    [
      ["adapter_config.json", 7, "new"],
      ["adapter_model.safetensors", 5000, "new"],
      ["README.md", 15, "new"],
    ],
  );
  deepStrictEqual(writes(t), []);
  strictEqual(t.hub.repos.size, 0);
});

const REFUSED: [
  name: string,
  prepare: (t: Scene) => void,
  options: PushOptions,
  error: RegExp,
][] = [
  [
    "without a token",
    (t) => t.env.HF_TOKEN = "",
    {},
    /^Error: Cannot push to "org\/tiny": set HF_TOKEN to a token that may write there$/,
  ],
  [
    "with a wrong token",
    (t) => t.env.HF_TOKEN = "hf_reader",
    {},
    /"org\/tiny" at "main": HTTP 401 from http:\S+; the token of HF_TOKEN or its file is not valid there; Invalid credentials$/,
  ],
  [
    "of a public repository without --public",
    ({ hub }) => hub.add("org/tiny", {}, "public"),
    {},
    /"org\/tiny": it is public: give --public to publish your files$/,
  ],
  [
    "in public of a private repository",
    ({ hub }) => hub.add("org/tiny"),
    { visibility: "public" },
    /"org\/tiny": it is private: change that in its settings on the Hub$/,
  ],
  [
    "as a pull request on nothing",
    () => {},
    { pullRequest: true },
    /"org\/tiny": there is no such repository to ask for a change$/,
  ],
  [
    "as a pull request on a branch",
    ({ hub }) => hub.add("org/tiny"),
    { pullRequest: true, revision: "v1" },
    /a pull request asks for a change of main, not of "v1"$/,
  ],
  [
    "of a repository that stands at no commit",
    ({ hub }) => hub.tamper = () => Response.json({ id: "org/tiny", sha: "x" }),
    {},
    /^Error: Cannot push to "org\/tiny" at "main" from \S+: it points to "x", expected a commit$/,
  ],
  [
    "from something else than a Hub",
    ({ hub }) => hub.tamper = () => new Response("<p>Please log in"),
    {},
    /^Error: http:\S+ does not answer as a Hub$/,
  ],
];

for (const [name, prepare, options, error] of REFUSED) {
  Deno.test(`a plan is refused ${name}`, async () => {
    await using t = await scene();
    prepare(t);
    await rejects(t.plan(options), error);
    deepStrictEqual(writes(t), []);
  });
}

Deno.test("a name that is no org/name is refused", async () => {
  await using t = await scene();
  for (const name of ["tiny", "org/tiny@v1", "../tiny", "a/b/c"]) {
    await rejects(
      planPush(name, t.contents, t),
      /: expected org\/name$/,
    );
  }
});
