import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { openRows } from "lib/data/open_rows.ts";
import { read, testReadings, testRefusals } from "../format_cases.ts";

const PAIR = { prompt: "Hi", chosen: "a", rejected: "b" };
const READ = { form: "text", prompt: "Hi", completions: ["a", "b"] };

testReadings({ name: "trl-pairs", kind: "pairs" }, [
  [
    "votes, those for neither half for each,",
    { ...PAIR, votes_chosen: 3, votes_rejected: 1, votes_equal: 1 },
    { ...READ, agreement: 0.7 },
  ],
  [
    "votes for two",
    { ...PAIR, votes_chosen: 1, votes_rejected: 3 },
    { ...READ, agreement: 0.25 },
  ],
  [
    "scores, also where they contradict the choice,",
    { ...PAIR, score_chosen: 1, score_rejected: 2 },
    { ...READ, ratings: [1, 2] },
  ],
]);

testReadings({ name: "ids-labels", kind: "labels" }, [
  [
    "a weight of the loss",
    {
      prompt_ids: [1],
      completion_ids: [2],
      label: true,
      loss_weight: 0.25,
    },
    {
      form: "ids",
      prompt: [1],
      completions: [[2]],
      weight: 0.25,
      label: true,
    },
  ],
]);

Deno.test("openRows() takes no feedback about pairs from other kinds", async () => {
  const row = {
    prompt: "Hi",
    completion: "a",
    label: true,
    ["votes_chosen"]: 3,
  };
  const { rows: [found] } = await read([row]);
  deepStrictEqual(found, {
    location: "d.jsonl, row 1",
    form: "text",
    prompt: "Hi",
    completions: ["a"],
    label: true,
  });
});

testRefusals([
  [
    "a weight below 0",
    [{ ...PAIR, loss_weight: -1 }],
    'row 1: expected "loss_weight" to be at least 0, found -1 (format trl-pairs)',
  ],
  [
    "half of the votes",
    [{ ...PAIR, votes_chosen: 3 }],
    'row 1: expected "votes_rejected" to be a finite number, found nothing (format trl-pairs)',
  ],
  [
    "no vote at all",
    [{ ...PAIR, votes_chosen: 0, votes_rejected: 0, votes_equal: 0 }],
    'row 1: expected "votes_chosen" to be more than 0, or one of the other votes, found 0 (format trl-pairs)',
  ],
  [
    "half a vote",
    [{ ...PAIR, votes_chosen: 1, votes_rejected: 0.5 }],
    'row 1: expected "votes_rejected" to be a number of votes, found 0.5 (format trl-pairs)',
  ],
  [
    "votes below none",
    [{ ...PAIR, votes_chosen: 4, votes_rejected: 2, votes_equal: -1 }],
    'row 1: expected "votes_equal" to be a number of votes, found -1 (format trl-pairs)',
  ],
]);

Deno.test("openRows() leaves out scores that decide nothing, and counts them", async () => {
  const odd: [unknown, unknown, number][] = [
    [4, undefined, 1],
    [4, null, 1],
    [Infinity, 1, 2],
    [NaN, 1, 1],
    ["high", "low", 2],
    [null, null, 0],
    ["", NaN, 0],
  ];
  for (const [chosen, rejected, counted] of odd) {
    const row = {
      ...PAIR,
      ["score_chosen"]: chosen,
      ["score_rejected"]: rejected,
    };
    await using reader = await openRows({ name: "d.jsonl", rows: [row, PAIR] });
    const location = "d.jsonl, row ";
    deepStrictEqual(await Array.fromAsync(reader.rows()), [
      { location: `${location}1`, ...READ },
      { location: `${location}2`, ...READ },
    ]);
    strictEqual(reader.notes.leftOut.size, counted);
  }
});
