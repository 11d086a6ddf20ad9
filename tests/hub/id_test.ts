import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseHubId } from "lib/hub/repo.ts";

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
