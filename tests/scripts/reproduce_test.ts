import { match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { sha256File } from "lib/record/sha256.ts";
import { checkout } from "../places.ts";
import { tinyTraining } from "./tiny_training.ts";
import { runScript } from "./run_script.ts";

const reproduce = (args: string[]) => runScript("reproduce", args);

Deno.test("a training run is reproduced bit for bit, and a change is named", async () => {
  await using tiny = await tinyTraining();
  const out = join(tiny.path, "run");
  const sources = ["--model", tiny.model, "--data", tiny.pairs];
  const flags = ["--loss", "dpo", "--lr", "1e-2", "--out", out];
  strictEqual((await tiny.run("train", [...sources, ...flags])).code, 0);
  const same = await reproduce([out, ...sources]);
  strictEqual(same.out, "Identical, bit for bit\n");
  strictEqual(same.code, 0);
  const path = join(out, "run.json");
  const record = await Deno.readTextFile(path);
  // An older program did not record it.
  await Deno.writeTextFile(
    path,
    record.replace(/,\s*"rewardScale": [^\n]*/, ""),
  );
  const older = await reproduce([out, ...sources]);
  strictEqual(older.out, "Identical, bit for bit\n");
  match(older.err, /made before it had \/objective\/rewardScale$/m);
  strictEqual(older.code, 0);
  await Deno.writeTextFile(path, record.replace('"seed": 0', '"seed": 1'));
  const other = await reproduce([out, ...sources]);
  strictEqual(other.code, 1);
  match(other.out, /adapter_model\.safetensors/);
  match(other.out, /^Likely reason: /m);
  match(other.out, /^Different: \d+ differences, by at most .*$/m);
  const within = await reproduce([out, ...sources, "--tolerance", "3"]);
  match(within.out, /^Within 3: \d+ of \d+ numbers differ, by at most /);
  strictEqual(within.code, 0);
});

Deno.test("a folder of runs is reproduced as a whole, or a part by name", async () => {
  await using tiny = await tinyTraining();
  const sources = ["--model", tiny.model, "--data", tiny.pairs];
  const runs = join(tiny.path, "runs");
  for (const loss of ["dpo", "sft"]) {
    const out = ["--out", join(runs, loss)];
    const flags = ["--loss", loss, "--steps", "2", ...out];
    strictEqual((await tiny.run("train", [...sources, ...flags])).code, 0);
  }
  const all = await reproduce([runs, ...sources]);
  strictEqual(all.out, "Identical, bit for bit: 2 runs\n", all.err);
  const path = join(runs, "sft", "run.json");
  const record = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, record.replace('"seed": 0', '"seed": 1'));
  const other = await reproduce([runs, ...sources]);
  strictEqual(other.code, 1);
  match(other.out, /^sft-seed0 +different /m);
  match(other.out, /^The first of them, sft-seed0:$/m);
  match(other.out, /^Different: 1 of 2 runs$/m);
  const part = await reproduce([runs, ...sources, "--only", "dpo-*"]);
  strictEqual(part.out, "Identical, bit for bit\n");
  const none = await reproduce([runs, ...sources, "--only", "kto-*"]);
  match(
    none.err,
    /^error: Cannot reproduce "kto-\*" of .*runs: expected names such as dpo-seed0$/m,
  );
});

Deno.test("reproduce names a record that is not there", async () => {
  const { code, err } = await reproduce(["nowhere"]);
  strictEqual(code, 1);
  match(
    err,
    /^error: Cannot read nowhere\/run\.json \(No such file or directory\)$/m,
  );
});

Deno.test("reproduce asks for what lies elsewhere by its flag, and refuses other kinds", async () => {
  await using tiny = await tinyTraining();
  const out = join(tiny.path, "run");
  const { code } = await tiny.run("train", [
    ...["--model", tiny.model, "--data", tiny.pairs, "--loss", "dpo"],
    ...["--steps", "1", "--out", out, "--data-origin", "https://a.example/b"],
  ]);
  strictEqual(code, 0);
  const hash = await sha256File(tiny.pairs);
  match(
    (await reproduce([out])).err,
    /^error: Cannot find "model" of the run: expected --model, where it lies now\nIts origin is not recorded; SHA-256 of weights [0-9a-f]{64}$/m,
  );
  match(
    (await reproduce([out, "--model", tiny.model])).err,
    new RegExp(
      `^error: Cannot find "pairs.jsonl" of the run: expected --data, where it lies now\nhttps://a.example/b; SHA-256 ${hash}$`,
      "m",
    ),
  );
  const stored = await reproduce([checkout("results/smollm2-dpo")]);
  match(
    stored.err,
    /--model, where it lies now\nSmolLM2-135M-Instruct\.Q4_1\.gguf of https:.*; SHA-256/,
  );
  const other = join(tiny.path, "answers.jsonl.record.json");
  const record = await Deno.readTextFile(join(out, "run.json"));
  const kind = record.replace('"kind": "train"', '"kind": "generate"');
  await Deno.writeTextFile(other, kind);
  match(
    (await reproduce([other])).err,
    /its kind is "generate", expected train or experiment/,
  );
});
