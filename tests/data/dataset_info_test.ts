import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type DatasetEntry,
  formatsBeside,
  readDatasetInfo,
  registeredDataset,
} from "lib/data/dataset_info.ts";
import type { Format } from "lib/data/formats/format.ts";
import { readRows } from "lib/data/containers/read_rows.ts";
import { shared } from "../places.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import {
  assistant,
  type Fields,
  read as readRow,
  readAll,
  system,
  user,
} from "./format_cases.ts";

/** A folder with a registry, and a file `d.json`. */
function registryFolder(registry: unknown) {
  const folder = temporaryFolder();
  const path = join(folder.path, "dataset_info.json");
  Deno.writeTextFileSync(path, JSON.stringify(registry));
  Deno.writeTextFileSync(join(folder.path, "d.json"), "[]");
  return Object.assign(folder, { registry: path });
}

/** What the entry `d` makes of a row. */
async function read(entry: Fields, row: Fields) {
  using folder = registryFolder({ d: { file_name: "d.json", ...entry } });
  const { format } = await entryOf(folder.registry, "d");
  const { kind, rows } = await readRow([row], { format });
  const { location: _, ...content } = rows[0]!;
  return { format: format.name, kind, ...content };
}

async function entryOf(path: string, name: string): Promise<DatasetEntry> {
  return (await readDatasetInfo(path)).entry(name);
}

const ANSWERS = {
  form: "chat",
  completions: [[assistant("A")], [assistant("B")]],
};
const PAIRS = { format: "d of dataset_info.json", kind: "pairs", ...ANSWERS };

Deno.test("entry() reads alpaca pairs by the names of their columns", async () => {
  const columns = {
    prompt: "question",
    query: "context",
    system: "rules",
    history: "before",
    tools: "functions",
    chosen: "good",
    rejected: "bad",
  };
  const row = {
    question: "Q",
    context: "C",
    rules: "S",
    before: [["U", "V"]],
    functions: [{ name: "f" }],
    good: "A",
    bad: "B",
  };
  deepStrictEqual(await read({ ranking: true, columns }, row), {
    ...PAIRS,
    prompt: [system("S"), user("U"), assistant("V"), user("Q\nC")],
    tools: [{ name: "f" }],
  });
});

Deno.test("entry() does not read optional columns that are not listed", async () => {
  const row = {
    instruction: "I",
    input: "J",
    system: "S",
    history: [["U", "V"]],
    tools: [{ name: "f" }],
    chosen: "A",
    rejected: "B",
  };
  const columns = { chosen: "chosen", rejected: "rejected" };
  deepStrictEqual(await read({ ranking: true, columns }, row), {
    ...PAIRS,
    prompt: [user("I")],
  });
});

Deno.test("entry() reads alpaca verdicts by the names of their columns", async () => {
  const columns = {
    prompt: "prompt",
    response: "completion",
    ["kto_tag"]: "label",
  };
  const row = { prompt: "P", completion: "A", label: 0 };
  deepStrictEqual(await read({ columns }, row), {
    format: "d of dataset_info.json",
    kind: "labels",
    form: "chat",
    prompt: [user("P")],
    completions: [[assistant("A")]],
    label: false,
  });
});

Deno.test("entry() reads sharegpt pairs by their tags", async () => {
  const entry = {
    formatting: "sharegpt",
    ranking: true,
    columns: { messages: "turns", chosen: "good", rejected: "bad" },
    tags: {
      role_tag: "who",
      content_tag: "what",
      user_tag: "me",
      assistant_tag: "it",
      observation_tag: "world",
      system_tag: "rules",
    },
  };
  const says = (who: string, what: string) => ({ who, what });
  const row = {
    turns: [
      says("rules", "S"),
      says("me", "U"),
      says("function_call", "F"),
      says("world", "W"),
    ],
    good: says("it", "A"),
    bad: says("it", "B"),
  };
  deepStrictEqual(await read(entry, row), {
    ...PAIRS,
    prompt: [
      system("S"),
      user("U"),
      assistant("F"),
      { role: "tool", content: "W" },
    ],
  });
  await rejects(read(entry, { ...row, turns: [says("user", "U")] }), {
    message: 'Cannot read d.jsonl, row 1: unknown who "user" in turns[0]; ' +
      "expected one of rules, me, it, function_call, world (format d of dataset_info.json)",
  });
  await rejects(read(entry, { ...row, bad: null }), {
    message: 'Cannot read d.jsonl, row 1: no "bad"; expected the columns ' +
      "turns, good, bad in every row (format d of dataset_info.json)",
  });
});

Deno.test("entry() says where a dataset is, and does not fetch it", async () => {
  const tags = { columns: { kto_tag: "label" } };
  using folder = registryFolder({
    local: { file_name: "./d.json", ...tags },
    hub: {
      file_name: "d.json",
      hf_hub_url: "some/data",
      subset: "en",
      split: "test",
      ...tags,
    },
    revised: {
      hf_hub_url: "some/data",
      split: "test",
      revision: "v1",
      ...tags,
    },
    whole: { hf_hub_url: "some/data", ...tags },
    within: { hf_hub_url: "some/data", folder: "python", ...tags },
    part: { hf_hub_url: "some/data", folder: "a", split: "test", ...tags },
    empty: { hf_hub_url: "", subset: "", file_name: "d.json", ...tags },
  });
  const info = await readDatasetInfo(folder.registry);
  deepStrictEqual(info.names, [
    "local",
    "hub",
    "revised",
    "whole",
    "within",
    "part",
    "empty",
  ]);
  const locations = await Promise.all(
    info.names.map(async (name) => (await info.entry(name)).location),
  );
  deepStrictEqual(locations, [
    join(folder.path, "d.json"),
    "some/data:en/test",
    "some/data@v1:test",
    "some/data",
    "some/data:python",
    "some/data:a/test",
    join(folder.path, "d.json"),
  ]);
});

Deno.test("registeredDataset() finds a dataset by registry and name", async () => {
  using folder = registryFolder({
    "a b": { file_name: "d.json", columns: { kto_tag: "label" } },
  });
  const entry = await registeredDataset(`${folder.registry}:a b`);
  strictEqual(entry!.name, "a b");
  strictEqual(await registeredDataset(join(folder.path, "d.json")), null);
  strictEqual(await registeredDataset(folder.registry), null);
  strictEqual(await registeredDataset("some/my_dataset_info.json:a"), null);
  await rejects(registeredDataset(`${folder.registry}:b`), {
    message: `Cannot read ${folder.registry}: no dataset "b"; found a b`,
  });
});

Deno.test("formatsBeside() gives the format that a registry in the folder states", async () => {
  const columns = { chosen: "good", rejected: "bad" };
  using folder = registryFolder({
    hub: { hf_hub_url: "some/data", ranking: true, tags: "broken" },
    learned: { file_name: "d.json" },
    other: { file_name: "e.json", columns: { kto_tag: "label" } },
    pairs: { file_name: "d.json", ranking: true, columns },
    "pairs again": { file_name: "./d.json", ranking: true, columns },
  });
  const beside = async (name: string): Promise<Format | null> =>
    await formatsBeside()(join(folder.path, name));
  strictEqual((await beside("d.json"))!.name, "pairs of dataset_info.json");
  strictEqual((await beside("e.json"))!.kind, "labels");
  strictEqual(await beside("f.json"), null);
  strictEqual(await beside("dataset_info.json"), null);
  Deno.removeSync(folder.registry);
  strictEqual(await beside("d.json"), null);
  strictEqual(await beside("d.json/inside"), null);
});

Deno.test("formatsBeside() refuses to choose between two formats", async () => {
  using folder = registryFolder({
    a: { file_name: "d.json", columns: { kto_tag: "label" } },
    b: { file_name: "d.json", columns: { kto_tag: "verdict" } },
  });
  const path = join(folder.path, "d.json");
  await rejects(formatsBeside()(path), {
    message:
      `Cannot read ${path}: expected one format for it in ${folder.registry}, ` +
      `found those of "a" and "b"; ${folder.registry}:b names one`,
  });
});

/** What is wrong, the entry, the message about it. */
const BAD: [string, Fields, string][] = [
  [
    "a file in the folder above",
    { file_name: "../d.json" },
    'expected "file_name" to be below the folder of dataset_info.json, found "../d.json"',
  ],
  [
    "a file that comes out of the folder on a detour",
    { file_name: "a/../../d.json" },
    'expected "file_name" to be below the folder of dataset_info.json, found "a/../../d.json"',
  ],
  [
    "a file at an absolute path",
    { file_name: "/etc/passwd" },
    'expected "file_name" to be below the folder of dataset_info.json, found "/etc/passwd"',
  ],
  [
    "the folder itself",
    { file_name: "." },
    'expected "file_name" to be below the folder of dataset_info.json, found "."',
  ],
  [
    "a link out of the folder",
    { file_name: "link/passwd" },
    'expected "file_name" to be below the folder of dataset_info.json, found a link out of it, "link/passwd"',
  ],
  ["no file", {}, 'expected "file_name" or "hf_hub_url", found neither'],
  [
    "an unknown formatting",
    { formatting: "chatml" },
    'expected "formatting" to be "alpaca", "sharegpt" or "openai", found "chatml"',
  ],
  [
    "a ranking that is text",
    { ranking: "yes" },
    'expected "ranking" to be true or false, found "yes"',
  ],
  [
    "a ranking of verdicts",
    { ranking: true },
    `expected "columns.kto_tag" to be absent where "ranking" is true, found "label"`,
  ],
  [
    "a ranking without its columns",
    { ranking: true, columns: { chosen: "chosen" } },
    'expected "columns.rejected" to be the name of a column, as "ranking" is true, found nothing',
  ],
  [
    "an entry without preferences",
    { columns: { prompt: "text" } },
    'expected preferences ("ranking": true, or a "kto_tag" column), found none',
  ],
  [
    "an unknown column",
    { columns: { kto_tag: "label", answer: "a" } },
    'unknown key "answer" in "columns"; expected prompt, query, response, history, messages, system, tools, chosen, rejected, kto_tag',
  ],
  [
    "a column that is not a name",
    { columns: { kto_tag: 5 } },
    'expected "columns.kto_tag" to be a name, found 5',
  ],
  [
    "a required column with an empty name",
    { columns: { kto_tag: "label", response: "" } },
    'expected "columns.response" to be a name, found ""',
  ],
  [
    "a key that is not understood",
    { script_url: "load.py" },
    'unknown key "script_url"; expected file_name, hf_hub_url, ms_hub_url, om_hub_url, subset, split, folder, num_samples, revision, formatting, ranking, columns, tags',
  ],
  [
    "half a row",
    { file_name: "d.json", num_samples: 0.5 },
    'expected "num_samples" to be a number of rows, found 0.5',
  ],
  [
    "columns that are a list",
    { columns: ["label"] },
    'expected "columns" to be an object, found ["label"]',
  ],
  [
    "images, which would be lost,",
    { columns: { kto_tag: "label", images: "images" } },
    "expected columns of text, found images",
  ],
  [
    "an unknown tag",
    { formatting: "sharegpt", tags: { bot_tag: "bot" } },
    'unknown key "bot_tag" in "tags"; expected role_tag, content_tag, user_tag, assistant_tag, observation_tag, function_tag, system_tag',
  ],
  [
    "one tag for two roles",
    { formatting: "sharegpt", tags: { user_tag: "x", assistant_tag: "x" } },
    'expected one role for the tag "x", found user and assistant',
  ],
];

for (const [what, entry, message] of BAD) {
  Deno.test(`entry() refuses ${what}`, async () => {
    const usual = { columns: { kto_tag: "label" } };
    using folder = registryFolder({ d: { ...usual, ...entry } });
    Deno.symlinkSync("/etc", join(folder.path, "link"));
    await rejects(entryOf(folder.registry, "d"), {
      message: `Cannot read "d" of ${folder.registry}: ${message}`,
    });
  });
}

Deno.test("entry() names the entry whose file is missing", async () => {
  using folder = registryFolder({
    d: { file_name: "e.json", columns: { kto_tag: "label" } },
  });
  await rejects(
    entryOf(folder.registry, "d"),
    /^Error: Cannot read "d" of .+No such file/,
  );
});

const BROKEN: [string, string, RegExp][] = [
  ["broken JSON", "{", /^Error: Cannot read .+dataset_info\.json: .*JSON/],
  ["a list", "[]", /dataset_info\.json: expected an object, found \[\]$/],
  [
    "text for an entry",
    '{"d": "d.json"}',
    /expected "d" to be an object, found "d.json"$/,
  ],
];

for (const [what, text, message] of BROKEN) {
  Deno.test(`readDatasetInfo() refuses ${what}`, async () => {
    using folder = registryFolder({});
    Deno.writeTextFileSync(folder.registry, text);
    await rejects(readDatasetInfo(folder.registry), message);
    await rejects(formatsBeside()(join(folder.path, "d.json")), message);
  });
}

const SHARED = shared("data/llamafactory");

for (
  const [name, kind] of [
    ["dpo_en_demo", "pairs"],
    ["dpo_zh_demo", "pairs"],
    ["kto_en_demo", "labels"],
  ]
) {
  Deno.test({
    name:
      `LLaMA-Factory's registry reads ${name} as its columns do (needs ../shared/data)`,
    ignore: !existsSync(SHARED),
    async fn() {
      const entry = await registeredDataset(
        `${SHARED}/dataset_info.json:${name}`,
      );
      const { format, location } = entry!;
      const registered = await readAll(location);
      const fields = (await readRows(location)).map(({ fields }) => fields);
      const recognised = await readAll({ name: location, rows: fields });
      strictEqual(registered.format, format.name);
      strictEqual(registered.kind, kind);
      strictEqual(registered.rows.length, 300);
      deepStrictEqual(registered.rows, recognised.rows);
      strictEqual((await formatsBeside()(location))!.name, format.name);
    },
  });
}

Deno.test({
  name:
    "LLaMA-Factory's registry has a format or a reason for every entry (needs ../shared/data)",
  ignore: !existsSync(SHARED),
  async fn() {
    const info = await readDatasetInfo(`${SHARED}/dataset_info.json`);
    const outcomes = new Map<string, number>();
    for (const name of info.names) {
      const outcome = await info.entry(name).then(
        ({ location, format }) =>
          `${location.startsWith(SHARED) ? "file" : "hub"}, ${format.kind}`,
        ({ message }: Error) => message.replace(/^.+json: /, ""),
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    deepStrictEqual(Object.fromEntries(outcomes), {
      'expected preferences ("ranking": true, or a "kto_tag" column), found none':
        89,
      'expected "columns.chosen" to be the name of a column, as "ranking" is true, found nothing':
        2,
      "expected columns of text, found images": 3,
      "file, labels": 1,
      "file, pairs": 2,
      "hub, labels": 2,
      "hub, pairs": 5,
    });
  },
});

Deno.test("an empty name of an optional column is none, for an entry and for its file", async () => {
  const row = { instruction: "I", input: "J", chosen: "A", rejected: "B" };
  for (const name of ["query", "history", "system", "tools", "images"]) {
    const columns = { [name]: "", chosen: "chosen", rejected: "rejected" };
    deepStrictEqual(await read({ ranking: true, columns }, row), {
      ...PAIRS,
      prompt: [user("I")],
    });
    const entry = { ["file_name"]: "d.json", ranking: true, columns };
    using folder = registryFolder({ d: entry });
    const format = await formatsBeside()(join(folder.path, "d.json"));
    strictEqual(format?.name, "d of dataset_info.json");
  }
});

Deno.test("an entry's num_samples are the first rows", async () => {
  const columns = { chosen: "chosen", rejected: "rejected" };
  const entry = { ["file_name"]: "d.json", ranking: true, columns };
  using folder = registryFolder({ d: { ...entry, num_samples: 2 } });
  const rows = ["A", "B", "C"].map((chosen) => (
    { instruction: "I", chosen, rejected: "R" }
  ));
  Deno.writeTextFileSync(join(folder.path, "d.json"), JSON.stringify(rows));
  const place = `${folder.registry}:d`;
  strictEqual((await readAll(place)).rows.length, 2);
  strictEqual((await readAll(place, { limit: 1 })).rows.length, 1);
});

Deno.test("entry() reads OpenAI's messages without tags", async () => {
  const entry = {
    formatting: "openai",
    ranking: true,
    columns: { messages: "messages", chosen: "good", rejected: "bad" },
  };
  const row = {
    messages: [user("U")],
    good: assistant("A"),
    bad: assistant("B"),
  };
  deepStrictEqual(await read(entry, row), { ...PAIRS, prompt: [user("U")] });
});

Deno.test("a description of Hugging Face's is no registry", async () => {
  const descriptions: Fields[] = [
    { citation: "", description: "", features: {}, homepage: "", license: "" },
    { builder_name: "json", features: {}, splits: {}, version: {} },
  ];
  for (const description of descriptions) {
    using folder = registryFolder(description);
    const path = join(folder.path, "d.json");
    strictEqual(await formatsBeside()(path), null);
    await rejects(registeredDataset(`${folder.registry}:d`), {
      message: `Cannot read ${folder.registry}: it is Hugging Face's ` +
        "description of a dataset, expected a registry of LLaMA-Factory",
    });
  }
});

Deno.test("a key of an entry that is empty or null is absent", async () => {
  const columns = { chosen: "chosen", rejected: "rejected" };
  const entry = { ["file_name"]: "d.json", ranking: true, columns };
  const row = { instruction: "I", chosen: "A", rejected: "B" };
  const keys = [
    "hf_hub_url",
    "ms_hub_url",
    "om_hub_url",
    "subset",
    "split",
    "folder",
    "revision",
  ];
  const empty: Fields[] = [
    ...keys.flatMap((key) => [{ [key]: "" }, { [key]: null }]),
    { ["num_samples"]: null },
    { tags: null },
    { tags: {} },
  ];
  for (const more of empty) {
    using folder = registryFolder({ d: { ...entry, ...more } });
    const { location, limit } = await entryOf(folder.registry, "d");
    deepStrictEqual([location, limit], [
      join(folder.path, "d.json"),
      undefined,
    ]);
    deepStrictEqual(await read({ ...entry, ...more }, row), {
      ...PAIRS,
      prompt: [user("I")],
    });
  }
  const labels = { ["file_name"]: "d.json", columns: { kto_tag: "label" } };
  using folder = registryFolder({ d: { ...labels, ranking: null } });
  strictEqual((await entryOf(folder.registry, "d")).format.kind, "labels");
});
