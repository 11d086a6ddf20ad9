import { deepStrictEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import { readTools } from "lib/data/formats/values.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { assistant, type Fields, readAll, user } from "../format_cases.ts";

/** Reads a row of a table, which knows nothing but text. */
async function read(fields: Record<string, string>) {
  using folder = temporaryFolder();
  const path = join(folder.path, "d.csv");
  const lines = [Object.keys(fields), Object.values(fields)].map((cells) =>
    cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join()
  );
  Deno.writeTextFileSync(path, lines.join("\n"));
  try {
    const { format, rows } = await readAll(path);
    const { location: _, ...content } = rows[0]!;
    return { format, ...content };
  } catch (error) {
    const { message } = error as Error;
    throw new Error(message.replace(path, "d.csv"), { cause: error });
  }
}

const CASES: [string, Record<string, string>, Fields][] = [
  [
    "labels as pandas writes them",
    { prompt: "1", completion: "true", label: "False" },
    {
      format: "trl-labels",
      form: "text",
      prompt: "1",
      completions: ["true"],
      label: false,
    },
  ],
  [
    "votes, and empty cells for missing ones",
    {
      prompt: "[]",
      chosen: "",
      rejected: "b",
      votes_chosen: "3",
      votes_rejected: "1",
      votes_equal: "",
    },
    {
      format: "trl-pairs",
      form: "text",
      prompt: "[]",
      completions: ["", "b"],
      agreement: 0.75,
    },
  ],
  [
    "the JSON of messages, not as text",
    {
      prompt: JSON.stringify([user("U")]),
      chosen: JSON.stringify([assistant("A")]),
      rejected: JSON.stringify([assistant("B")]),
    },
    {
      format: "trl-pairs-chat",
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("A")], [assistant("B")]],
    },
  ],
  [
    "the JSON of token ids",
    { prompt_ids: "[1, 2]", completion_ids: "[3]", label: "1" },
    {
      format: "ids-labels",
      form: "ids",
      prompt: [1, 2],
      completions: [[3]],
      label: true,
    },
  ],
  [
    "messages as Python writes them",
    {
      prompt: "[{'role': 'user', 'content': 'U'}]",
      chosen: `[{'role': 'assistant', 'content': "It's A."}]`,
      rejected: "[{'content': 'B', 'role': 'assistant'}]",
    },
    {
      format: "trl-pairs-chat",
      form: "chat",
      prompt: [user("U")],
      completions: [[assistant("It's A.")], [assistant("B")]],
    },
  ],
  [
    "answers that are JSON",
    { prompt: "Extract.", chosen: '{"age": 5}', rejected: '[{"age": 6}]' },
    {
      format: "trl-pairs",
      form: "text",
      prompt: "Extract.",
      completions: ['{"age": 5}', '[{"age": 6}]'],
    },
  ],
  ...["1.0", "1", "True", "true", "TRUE", "1e0"].map((
    label,
  ): typeof CASES[number] => [
    `the label ${label}`,
    { prompt: "Hi", completion: "a", label },
    {
      format: "trl-labels",
      form: "text",
      prompt: "Hi",
      completions: ["a"],
      label: true,
    },
  ]),
  [
    "a score that is no number, and leaves it out",
    {
      prompt: "Hi",
      chosen: "a",
      rejected: "b",
      score_chosen: "high",
      score_rejected: "1",
    },
    {
      format: "trl-pairs",
      form: "text",
      prompt: "Hi",
      completions: ["a", "b"],
    },
  ],
];

for (const [what, fields, expected] of CASES) {
  Deno.test(`openRows() reads from cells of text ${what}`, async () => {
    deepStrictEqual(await read(fields), expected);
  });
}

const BAD: [string, Record<string, string>, string][] = [
  [
    "a label that is none",
    { prompt: "Hi", completion: "a", label: "yes" },
    'expected "label" to be true, false, 1 or 0, found "yes" (format trl-labels)',
  ],
  [
    "an empty label",
    { prompt: "Hi", completion: "a", label: "" },
    'no "label"; expected the columns prompt, completion, label in every row (format trl-labels)',
  ],
  [
    "messages as Python writes them",
    { messages: "[{'role': 'user'}]", label: "1" },
    `expected "messages" to be messages, found "[{'role': 'user'}]" (format messages-labels)`,
  ],
  [
    "a label between 0 and 1",
    { prompt: "Hi", completion: "a", label: "0.5" },
    'expected "label" to be true, false, 1 or 0, found "0.5" (format trl-labels)',
  ],
];

for (const [what, fields, message] of BAD) {
  Deno.test(`openRows() refuses in cells of text ${what}`, () =>
    rejects(read(fields), {
      message: `Cannot read d.csv, row 1: ${message}`,
    }));
}

Deno.test("tools lose the nulls that Arrow gives them, and elsewhere those that define nothing", () => {
  const tool = (properties: unknown) => ({
    type: "function",
    function: { name: "f", parameters: { type: "object", properties } },
  });
  const city = { type: "string", default: null };
  const row = {
    location: "d.parquet, row 1",
    fields: { tools: [tool({ city, zone: null })] },
  };
  const options = { field: "tools", form: "chat" } as const;
  deepStrictEqual(readTools(row, options), { tools: [tool({ city })] });
  deepStrictEqual(
    readTools({ ...row, arrow: true }, options),
    { tools: [tool({ city: { type: "string" } })] },
  );
});
