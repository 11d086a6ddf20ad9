import { ok, strictEqual } from "node:assert/strict";
import { readRecord } from "lib/record/record.ts";
import { wholeNumberTest } from "../whole_numbers.ts";
import { tinyTraining } from "./tiny_training.ts";

for (const kind of ["half", "int8", "int4", "w8a16"]) {
  const test = kind === "w8a16" ? wholeNumberTest : Deno.test;
  test(`train holds base weights in ${kind}, and records what that costs`, async () => {
    await using t = await tinyTraining();
    const out = `${t.path}/run`;
    const { code, err } = await t.run("train", [
      ...["--model", t.model, "--data", t.pairs, "--loss", "dpo"],
      ...["--out", out, "--steps", "1", "--device", "cpu"],
      ...["--base-weights", kind],
    ]);
    strictEqual(code, 0, err);
    const { settings, summary } = await readRecord(`${out}/run.json`);
    strictEqual(settings["baseWeights"], kind);
    const { rows, tokens, mean, largest } =
      summary["baseWeightsError"] as Record<string, number>;
    strictEqual(rows, 4);
    ok(tokens! >= 16 && mean! > 0 && largest! >= mean! && largest! < 1);
  });
}
