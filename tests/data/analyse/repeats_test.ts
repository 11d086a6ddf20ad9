import { deepStrictEqual, match } from "node:assert/strict";
import { repeats, see, seenRows } from "lib/data/analyse/repeats.ts";
import type { DataKind } from "lib/data/example.ts";
import { conversation, labelled, pair } from "./rows.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

/** Counts by check, those of 0 left out. */
function counts(
  kind: DataKind,
  rows: readonly PreferenceRow[],
  evaluation?: readonly PreferenceRow[],
) {
  const seen = seenRows();
  for (const row of evaluation ?? []) see(row, seen);
  const check = repeats({ evaluation: evaluation ? seen : undefined });
  rows.forEach((row) => check.add(row));
  return Object.fromEntries(
    check.findings(kind).filter(({ count }) => count > 0)
      .map(({ check, count, verdict }) => [check, `${verdict} ${count}`]),
  );
}

Deno.test("rows that differ are no duplicates", () => {
  const rows = [pair("a", ["b", "c"]), pair("a b", ["", "c"])];
  deepStrictEqual(counts("pairs", rows), {});
});

Deno.test("duplicates are counted, and say what they repeat", () => {
  const check = repeats({});
  for (const line of [1, 2, 3]) {
    check.add(pair("a", ["b", "c"], { location: `x.jsonl, line ${line}` }));
  }
  const [duplicates] = check.findings("pairs");
  deepStrictEqual(duplicates!.places, [
    "x.jsonl, line 2 (as line 1)",
    "x.jsonl, line 3 (as line 1)",
  ]);
});

Deno.test("an answer that is chosen and rejected is worth a look, a reversed pair is wrong", () => {
  deepStrictEqual(
    counts("pairs", [
      pair("q", ["a", "b"]),
      pair("q", ["b", "c"]), // a ranking, cut into pairs
      pair("r", ["b", "a"]), // another prompt
    ]),
    {
      "prompts seen before": "ok 1",
      "answers chosen here and rejected there": "look 1",
    },
  );
  deepStrictEqual(
    counts("pairs", [pair("q", ["a", "b"]), pair("q", ["b", "a"])]),
    {
      "prompts seen before": "ok 1",
      "answers chosen here and rejected there": "look 1",
      "pairs that contradict an earlier pair": "wrong 1",
    },
  );
});

Deno.test("equal completions of one row contradict no other row", () => {
  deepStrictEqual(counts("pairs", [pair("q", ["a", "a"])]), {});
});

Deno.test("an answer labelled both ways is wrong, and no duplicate", () => {
  deepStrictEqual(
    counts("labels", [labelled("q", "a", true), labelled("q", "a", false)]),
    { "prompts seen before": "ok 1", "answers labelled both ways": "wrong 1" },
  );
});

Deno.test("rows of the evaluation data are found, and prompts apart from them", () => {
  const rows = [
    conversation(["user: q"], ["a", "b"]),
    conversation(["user: r"], ["a", "b"]),
    conversation(["user: s"], ["a", "b"]),
  ];
  const evaluation = [rows[0]!, conversation(["user: r"], ["c", "d"])];
  deepStrictEqual(counts("pairs", rows, evaluation), {
    "rows that are in the evaluation data": "wrong 1",
    "other rows whose prompt is in the evaluation data": "look 1",
  });
});

Deno.test("a label does not hide a row of the evaluation data", () => {
  deepStrictEqual(
    counts("labels", [labelled("q", "a", true)], [labelled("q", "a", false)]),
    { "rows that are in the evaluation data": "wrong 1" },
  );
});

Deno.test("how many prompts are distinct is told", () => {
  const check = repeats({});
  for (const text of ["a", "b", "c"]) check.add(pair("q", [text, "d"]));
  const prompts = check.findings("pairs")
    .find(({ check }) => check === "prompts seen before");
  match(prompts!.says, /^1 are distinct/);
});
