import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { comparison } from "experiments/comparison/comparison.ts";
import { readRuns } from "lib/experiment/records.ts";
import { peerTest, runPeer } from "../peer_python.ts";
import { checkout, fixture } from "../places.ts";
import { tinyTraining } from "../scripts/tiny_training.ts";

const SCRIPT = checkout("experiments/real/by_trl.py");

Deno.test("the script by TRL names the versions that tests compare with", async () => {
  const text = await Deno.readTextFile(SCRIPT);
  const [header] = text.split("# ///\n");
  const named = [...header!.matchAll(/^# {3}"(.*)",$/gm)].map(([, it]) => it);
  const known = (await Deno.readTextFile(fixture("requirements.txt")))
    .split("\n");
  equal(named.length, 6);
  deepEqual(named.filter((name) => !known.includes(name!)), []);
});

/** A tokenizer of one word, which names the token to pad with. */
const TOKENIZER = {
  version: "1.0",
  "added_tokens": [],
  model: { type: "WordLevel", vocab: { "<pad>": 0 }, "unk_token": "<pad>" },
};
const TOKENIZER_CONFIG = {
  "tokenizer_class": "PreTrainedTokenizerFast",
  "eos_token": "<pad>",
};

peerTest("TRL makes the runs of a comparison again to rounding", async () => {
  await using t = await tinyTraining();
  const { code, err } = await t.run("compare", [
    ...["--model", t.model, "--data", t.pairs, "--loss", "dpo,kto,orpo"],
    ...["--preset", "trl", "--batch", "3", "--lr", "0.03", "--warmup", "1"],
    ...["--weight-decay", "0.1", "--held-out", "0.3", "--answers", "1"],
    ...["--max-new-tokens", "1", "--out", "out", "--write-rows", "rows"],
  ]);
  equal(code, 0, err);
  const files = {
    "tokenizer.json": TOKENIZER,
    "tokenizer_config.json": TOKENIZER_CONFIG,
  };
  for (const [name, content] of Object.entries(files)) {
    await Deno.writeTextFile(join(t.model, name), JSON.stringify(content));
  }
  const out = join(t.path, "out");
  const args = ["--model", t.model, "--out", join(out, "trl.json")];
  await runPeer(SCRIPT, { args: [join(t.path, "rows"), ...args] });
  const { runs } = JSON.parse(await Deno.readTextFile(join(out, "trl.json")));
  const own = (await readRuns(out)).map(({ record }) => record);
  equal(runs.length, 3);
  for (const { name, margins, accuracy, logProbAccuracy, otherwise } of runs) {
    const { summary } = own.find((record) => record.name === name)!;
    const expected = summary["margins"] as number[];
    const error = Math.max(
      ...expected.map((margin, i) => Math.abs(margin - margins[i])),
    );
    const size = Math.max(...expected.map(Math.abs));
    ok(size > 0.01 && error < 1e-3 * size, `${name}: ${error} of ${size}`);
    deepEqual(
      { accuracy, logProbAccuracy, otherwise },
      {
        ...{ accuracy: summary["accuracy"] },
        ...{ logProbAccuracy: summary["logProbAccuracy"], otherwise: {} },
      },
    );
  }
  const { peer } = JSON.parse(
    (await comparison(null).files(out))["summary.json"]!,
  );
  deepEqual(
    peer.methods.map(({ difference }: {
      difference: { estimate: number };
    }) => difference.estimate),
    [0, 0, 0],
  );
});
