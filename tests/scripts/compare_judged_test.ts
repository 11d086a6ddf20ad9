import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { readRuns } from "lib/experiment/records.ts";
import { textTraining } from "../comparison/text_training.ts";

/** Scores that depend on prompt and answer, and a note of each evaluation. */
const JUDGE =
  `awk '{ printf "{\\"id\\": %d, \\"score\\": %d}\\n", NR - 1, length($0) % 5 } END { print NR >> "judged" }'`;

type Numbers = readonly number[];

Deno.test("compare has answers scored by a command, and questions answered", async () => {
  await using t = await textTraining();
  const { code, err, out } = await t.run("compare", [
    ...["--model", t.model, "--data", t.pairs, "--loss", "dpo,orpo"],
    ...["--lr", "0.01", "--batch", "4", "--held-out", "0.5"],
    ...["--answers", "6", "--max-new-tokens", "4", "--evaluations", "2"],
    ...["--judge", JUDGE, "--choices", t.questions],
    ...["--jobs", "2", "--out", "out"],
  ]);
  equal(code, 0, err);
  match(out, /score +win rate +MC1 +MC2/);
  match(out, /dpo +before training/);
  // Once for the model before training, and once for each run.
  const judged = await Deno.readTextFile(join(t.path, "judged"));
  deepEqual(judged.trim().split("\n"), ["6", "6", "6"]);
  const runs = await readRuns(join(t.path, "out"));
  const [reference] = runs.splice(-1);
  const before = reference!.record.summary["scores"] as Numbers;
  equal(before.length, 6);
  const { methods, added, judge, questions } = JSON.parse(
    await Deno.readTextFile(join(t.path, "out", "summary.json")),
  );
  equal(judge, `the command ${JUDGE}`);
  deepEqual(questions, { source: "questions.jsonl", count: 12 });
  for (const [i, { record, rows }] of runs.entries()) {
    const scores = record.summary["scores"] as Numbers;
    const rate = scores.reduce(
      (sum, score, k) => sum + (1 + Math.sign(score - before[k]!)) / 12,
      0,
    );
    ok(Math.abs(methods[i].ends.winRate[0] - rate) < 1e-9);
    const last = rows.at(-1)!;
    equal(last["score"], scores.reduce((a, b) => a + b) / 6);
    equal(rows[0]!["score"], undefined);
    const { mc1, mc2 } = record.summary["choices"] as Record<string, Numbers>;
    equal(mc2!.length, 12);
    equal(last["mc1"], mc1!.reduce((a, b) => a + b) / 12);
    equal(rows[0]!["mc1"], reference!.record.summary["mc1"]);
    ok(rows.every((row) => row["mc2"]! > 0 && row["mc2"]! < 1));
    equal(record.data.at(-1)!.role, "choices");
  }
  deepEqual(
    added.map((one: Record<string, unknown>) => [one["measure"], one["name"]]),
    ["winRate", "mc1", "mc2"].flatMap((measure) =>
      ["dpo", "orpo", "orpo"].map((name) => [measure, name])
    ),
  );
});
