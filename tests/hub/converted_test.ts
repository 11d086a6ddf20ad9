import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { resolveData } from "lib/hub/resolve.ts";
import { COMMIT, OLD, tinyHub } from "./tiny_hub.ts";

Deno.test("resolveData() takes the Hub's conversion where main has no file that we read", async () => {
  await using t = await tinyHub();
  t.pairs.commits[COMMIT] = { "load.py": "import os" };
  await rejects(resolveData("org/pairs", t), /^Error: Cannot find data in /);
  t.pairs.refs["refs/convert/parquet"] = OLD;
  t.pairs.commits[OLD] = {
    "default/test/0000.parquet": "PAR1 test",
    "default/train/0000.parquet": "PAR1 train",
  };
  const { files, source } = await resolveData("org/pairs:default/train", t);
  strictEqual(await Deno.readTextFile(files[0]!), "PAR1 train");
  deepStrictEqual(source, {
    kind: "hub",
    repo: "org/pairs",
    revision: "refs/convert/parquet",
    commit: OLD,
    part: "default/train",
  });
  await rejects(resolveData("org/pairs", t), /Cannot tell which split of /);
  await rejects(
    resolveData(`org/pairs@${COMMIT}`, t),
    /^Error: Cannot find data in /,
  );
});

Deno.test("resolveData() takes a part from the conversion where main lacks it", async () => {
  await using t = await tinyHub();
  await rejects(resolveData("org/pairs:en/train", t), {
    message:
      'Cannot find "en/train" in the data set "org/pairs" at "main": it has data/test.jsonl, data/train-0.jsonl, data/train-1.jsonl',
  });
  t.pairs.refs["refs/convert/parquet"] = OLD;
  t.pairs.commits[OLD] = {
    "en/train/0000.parquet": "PAR1 en",
    "fr/train/0000.parquet": "PAR1 fr",
  };
  const { files } = await resolveData("org/pairs:en/train", t);
  strictEqual(files.length, 1);
  strictEqual(await Deno.readTextFile(files[0]!), "PAR1 en");
  await rejects(
    resolveData("org/pairs:de/train", t),
    /^Error: Cannot find "de\/train" in the data set "org\/pairs" at "main": it has data/,
  );
  const { source } = await resolveData("org/pairs:train", t);
  strictEqual(source.kind === "hub" && source.revision, "main");
});

Deno.test("resolveData() says that a conversion is partial", async () => {
  await using t = await tinyHub();
  t.pairs.commits[COMMIT] = { "load.py": "import os" };
  t.pairs.refs["refs/convert/parquet"] = OLD;
  t.pairs.commits[OLD] = { "default/partial-train/0000.parquet": "PAR1 train" };
  const parts = { "org/pairs": "partial", "org/pairs:train": "train, partial" };
  for (const [id, part] of Object.entries(parts)) {
    const { source } = await resolveData(id, t);
    strictEqual(source.kind === "hub" && source.part, part);
  }
});
