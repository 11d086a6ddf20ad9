import { deepStrictEqual } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import {
  type Limits,
  type Rejected,
  type Truncated,
  truncateRow,
} from "lib/data/tokenize/truncate.ts";

const range = (from: number, n: number) =>
  Array.from({ length: n }, (_, i) => from + i);
/** A prompt 1, 2 … and completions 11, 12 …, 21, 22 … of these lengths. */
const row = (prompt: number, ...completions: number[]): Example => ({
  prompt: range(1, prompt),
  completions: completions.map((n, k) => range(11 + 10 * k, n)),
});

/** What is shown, the row, limits, prefix, and the row that is left. */
const CUTS: [string, Example, Limits & { prefix?: number[] }, Example][] = [
  ["what fits stays", row(3, 2, 1), { maxLength: 5 }, row(3, 2, 1)],
  ["completions lose their ends", row(3, 4, 1), { maxLength: 5 }, row(3, 2, 1)],
  [
    "a prompt loses its start",
    row(6, 2),
    { maxPromptLength: 4, promptTruncation: "start" },
    { ...row(0, 2), prompt: [3, 4, 5, 6] },
  ],
  [
    "a prompt loses its start, but not its BOS",
    row(6, 2),
    { maxPromptLength: 4, promptTruncation: "start", prefix: [1] },
    { ...row(0, 2), prompt: [1, 4, 5, 6] },
  ],
  [
    "a prompt loses its end",
    row(6, 2),
    { maxPromptLength: 4, promptTruncation: "end" },
    row(4, 2),
  ],
  [
    "a prompt gives way to its longest completion",
    row(9, 3, 1),
    { maxLength: 10, promptTruncation: "end" },
    row(7, 3, 1),
  ],
  [
    "a prompt gives way to completions for half of the length, which then lose their ends",
    row(9, 8, 6),
    { maxLength: 10, promptTruncation: "end" },
    row(5, 5, 5),
  ],
  [
    "a prompt gives way even where completions are not cut",
    row(9, 3),
    { maxLength: 10, promptTruncation: "end", truncate: "error" },
    row(7, 3),
  ],
  [
    "marks are cut with their tokens",
    { ...row(2, 3, 1), lossMask: [[true, false, true], [true]] },
    { maxLength: 4 },
    { ...row(2, 2, 1), lossMask: [[true, false], [true]] },
  ],
];

for (const [name, given, limits, left] of CUTS) {
  Deno.test(`of a row over a limit ${name}`, () => {
    const fitted: Truncated | Rejected = truncateRow(given, limits);
    const cut = (side: (row: Example) => unknown) =>
      JSON.stringify(side(given)) !== JSON.stringify(side(left));
    deepStrictEqual(fitted, {
      row: left,
      truncated: cut(({ completions }) => completions),
      truncatedPrompt: cut(({ prompt }) => prompt),
    });
  });
}

Deno.test("a completion of which nothing scored is left is no completion", () => {
  const given = { ...row(2, 3), lossMask: [[false, false, true]] };
  for (const truncate of ["end", "end-or-drop"] as const) {
    deepStrictEqual(truncateRow(given, { maxLength: 4, truncate }), {
      reason: "longCompletion",
      problem: "nothing that is scored in a completion is left within 4 tokens",
      drop: truncate === "end-or-drop",
    });
  }
});

Deno.test("a completion of which nothing is scored is an empty one", () => {
  const given = { ...row(2, 2), lossMask: [[false, false]] };
  const problem = "it has an empty completion";
  deepStrictEqual(truncateRow(given, { truncate: "end" }), {
    ...{ reason: "emptyCompletion", problem, drop: false },
  });
  deepStrictEqual(truncateRow(given, {}), {
    ...{ reason: "emptyCompletion", problem, drop: true },
  });
});
