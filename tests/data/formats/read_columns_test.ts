import { deepStrictEqual, ok } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { FORMATS } from "lib/data/formats/registry.ts";
import { openRows } from "lib/data/open_rows.ts";
import { assistant, type Fields, gpt, human, user } from "../format_cases.ts";
import { ASKED, BAD, DIALOGUE, GOOD, KNOWN_ROWS, Q } from "./known_set_rows.ts";

const IDS = { "prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3] };
const CALLED = [...ASKED, GOOD];
const RATED = (score: string) => ({
  instruction: Q,
  completions: [
    { response: "Blue.", [score]: 2 },
    { response: "Tuesday.", [score]: 1 },
  ],
});

/** A row of each layout that is no known set. */
const ROWS: Readonly<Record<string, Fields>> = {
  "ids-pairs": IDS,
  "ids-labels": { "prompt_ids": [1], "completion_ids": [2], label: true },
  "ids-ranks": { "prompt_ids": [1], "completions_ids": [[2], [3]] },
  "halos-pairs": {
    type: "pairwise_feedback",
    prompt: ASKED,
    "output_A": [GOOD],
    "output_B": [BAD],
    label: 1,
  },
  "halos-labels": {
    type: "binary_feedback",
    prompt: ASKED,
    output: [GOOD],
    label: 1,
  },
  "openai": {
    input: { messages: ASKED },
    "preferred_output": [GOOD],
    "non_preferred_output": [BAD],
  },
  "llamafactory-v1": {
    "chosen_messages": CALLED,
    "rejected_messages": [...ASKED, BAD],
  },
  "sharegpt-pairs": {
    conversations: [human(Q)],
    chosen: gpt("Blue."),
    rejected: gpt("Tuesday."),
  },
  "sharegpt-labels": {
    conversations: [human(Q), gpt("Blue.")],
    "kto_tag": true,
  },
  "hh-rlhf-prompt": {
    prompt: DIALOGUE,
    chosen: `${DIALOGUE}Blue.`,
    rejected: `${DIALOGUE}Tuesday.`,
  },
  "hh-rlhf": {
    chosen: `${DIALOGUE}Blue.`,
    rejected: `${DIALOGUE}Tuesday.`,
  },
  "trl-pairs-chat": { prompt: ASKED, chosen: [GOOD], rejected: [BAD] },
  "zephyr": {
    prompt: Q,
    chosen: [...ASKED, GOOD],
    rejected: [...ASKED, BAD],
  },
  "trl-pairs-implicit": {
    chosen: [...ASKED, GOOD],
    rejected: [...ASKED, BAD],
  },
  "trl-pairs": { prompt: Q, chosen: " Blue.", rejected: " Tuesday." },
  "alpaca-pairs": { instruction: Q, chosen: "Blue.", rejected: "Tuesday." },
  "alpaca-labels": { instruction: Q, output: "Blue.", "kto_tag": true },
  "trl-labels-chat": { prompt: ASKED, completion: [GOOD], label: true },
  "messages-labels": { messages: CALLED, label: true },
  "trl-labels": { prompt: Q, completion: " Blue.", label: true },
  "ultrafeedback": RATED("overall_score"),
  "ultrafeedback-fine-grained": RATED("fine-grained_score"),
  "ultrafeedback-score": RATED("score"),
  "ranks-chat": { prompt: ASKED, completions: [[GOOD], [BAD]] },
  "ranks": { prompt: Q, completions: [" Blue.", " Tuesday."] },
  ...Object.fromEntries(
    Object.entries(KNOWN_ROWS).map(([name, { rows }]) => [name, rows[0]!]),
  ),
};

/** Values that a column may have. */
const VALUES: readonly unknown[] = [
  "zz",
  3,
  true,
  ["zz", "yy"],
  [2, 1],
  [["Hi", "Hello."]],
  [user("Hi"), assistant("Hello.")],
  [{ name: "f" }],
  { mood: "sad" },
];

Deno.test("every layout has a row here", () => {
  deepStrictEqual(
    Object.keys(ROWS).sort(),
    FORMATS.map(({ name }) => name).sort(),
  );
});

/** A row, the columns that are named as not read, and the error. */
async function reading(fields: Fields, format?: string) {
  const location = { name: "d.jsonl", rows: [fields] };
  try {
    await using reader = await openRows(location, { format });
    const [row] = await Array.fromAsync(reader.rows());
    const { unread, leftOut } = reader.notes;
    return { row, named: [...unread.keys(), ...leftOut.keys()] };
  } catch (error) {
    const named: string[] = [];
    return { named, error: (error as Error).message };
  }
}

for (const { name, reads } of FORMATS) {
  Deno.test(`every column that is filled beside those of ${name} changes the row, is named, or is refused`, async () => {
    const fields = ROWS[name]!;
    const bare = await reading(fields, name);
    ok(bare.row, bare.error);
    const columns = [...reads, "unheard_of", "images", "history", "labels"]
      .filter((column) => !(column in fields));
    for (const format of [name, undefined]) {
      for (const column of columns) {
        for (const value of VALUES) {
          const { row, named, error } = await reading(
            { ...fields, [column]: value },
            format,
          );
          const told = named.includes(column) || error?.includes(column) ||
            !isDeepStrictEqual(row, bare.row);
          ok(told, `${column}: ${JSON.stringify(value)} (${error})`);
        }
      }
    }
  });
}
