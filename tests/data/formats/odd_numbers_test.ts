import { deepStrictEqual, rejects } from "node:assert/strict";
import { openRows, type RowsInMemory } from "lib/data/open_rows.ts";
import { dataFile } from "../containers/data_file.ts";
import { completionTexts } from "lib/data/preference_row.ts";
import type { Fields } from "../format_cases.ts";

/** What a cell means: a number, nothing, no number where there is one, or nonsense. */
type Meaning = "number" | "empty" | "missing" | "odd";

/** A value in memory, as parquet gives it, in JSON, and in a table of text. */
const CELLS: [value: unknown, json: string, csv: string, Meaning, Meaning?][] =
  [
    [2, "2", "2", "number"],
    [2, "2.0", "2.0", "number"],
    [2, "2e0", " 2 ", "number"],
    [NaN, "NaN", "NaN", "empty"],
    [null, "null", "null", "empty"],
    [undefined, "null", "", "empty"],
    ["", '""', "nan", "empty"],
    [" ", '" "', "None", "empty"],
    [[], "[]", "N/A", "empty"],
    [{}, "{}", "<NA>", "empty"],
    ["None", '"None"', "none", "missing", "empty"],
    ["nan", '"NaN"', "NA", "missing", "empty"],
    ["high", '"high"', "high", "odd"],
    [true, "true", "True", "odd"],
    [[2], "[2]", "[2]", "odd"],
    [{ a: 2 }, '{"a": 2}', "{'a': 2}", "odd"],
  ];

const TEXTS = { prompt: "Hi", chosen: "a", rejected: "b" };
const csvCell = (text: string) => `"${text.replaceAll('"', '""')}"`;

/** The ways to write a pair with a cell in a column, beside other columns. */
function written(
  column: string,
  [value, json, csv]: typeof CELLS[number],
  others: Record<string, number>,
): Record<string, RowsInMemory | { name: string; text: string }> {
  const row = { ...TEXTS, ...others };
  const line = JSON.stringify(row).replace(/\}$/, `, "${column}": ${json}}`);
  const [names, cells] = [Object.keys(row), Object.values(row)]
    .map((cells) => cells.map((cell) => csvCell(String(cell))).join());
  return {
    memory: { name: "d", rows: [{ ...row, [column]: value }] },
    jsonl: { name: "d.jsonl", text: line },
    csv: {
      name: "d.csv",
      text: `${names},${column}\n${cells},${csvCell(csv)}\n`,
    },
  };
}

/** What one row is besides its texts, and the columns that are left out. */
async function reading(place: ReturnType<typeof written>[string]) {
  using file = "text" in place ? dataFile(place.text, place.name) : undefined;
  await using reader = await openRows(
    "text" in place ? file!.path : place,
  );
  const [row] = await Array.fromAsync(reader.rows());
  const { location: _, form: __, prompt: ___, completions: ____, ...said } =
    row!;
  return { said, leftOut: [...reader.notes.leftOut.keys()] };
}

/** A column, others that it needs, what a number makes of the row, and what decides nothing. */
const COLUMNS: {
  column: string;
  others: Record<string, number>;
  number: Fields;
  /** Columns left out where the cell is empty. */
  alone: string[];
  /** Whether nonsense is left out, too. */
  decidesNothing: boolean;
}[] = [
  {
    column: "loss_weight",
    others: {},
    number: { weight: 2 },
    alone: [],
    decidesNothing: false,
  },
  {
    column: "score_rejected",
    others: { ["score_chosen"]: 3 },
    number: { ratings: [3, 2] },
    alone: ["score_chosen"],
    decidesNothing: true,
  },
  {
    column: "votes_equal",
    others: { ["votes_chosen"]: 1, ["votes_rejected"]: 1 },
    number: { agreement: 0.5 },
    alone: [],
    decidesNothing: false,
  },
];

for (const { column, others, number, alone, decidesNothing } of COLUMNS) {
  for (const cell of CELLS) {
    const [value, , , meaning, inCsv = meaning] = cell;
    Deno.test(`"${column}" of ${JSON.stringify(value)} is ${meaning}, in memory, JSON and CSV`, async () => {
      const places = written(column, cell, others);
      for (const [name, place] of Object.entries(places)) {
        const found = name === "csv" ? inCsv : meaning;
        const isVote = column === "votes_equal";
        if (found === "odd" && !decidesNothing) {
          await rejects(reading(place), {
            message: new RegExp(`expected "${column}" to be a finite number`),
          });
          continue;
        }
        const { said, leftOut } = await reading(place);
        deepStrictEqual(said, found === "number" || isVote ? number : {});
        const noted = found === "missing" || found === "odd" ? [column] : [];
        deepStrictEqual(
          leftOut,
          found === "number" ? [] : [...alone, ...noted],
          name,
        );
      }
    });
  }
}

Deno.test("votes for neither side alone are left out, as are votes that a table has not", async () => {
  const cases: [Fields, string[]][] = [
    [{ "votes_equal": 3 }, ["votes_equal"]],
    [{ "votes_chosen": NaN, "votes_rejected": NaN, "votes_equal": NaN }, []],
    [{ "votes_chosen": "None", "votes_rejected": "None" }, [
      "votes_chosen",
      "votes_rejected",
    ]],
  ];
  for (const [votes, expected] of cases) {
    const { said, leftOut } = await reading({
      name: "d",
      rows: [{ ...TEXTS, ...votes }],
    });
    deepStrictEqual(said, {});
    deepStrictEqual(leftOut, expected);
  }
});

/** Lists of which one answer has no number, by layout, and the column of those. */
const LISTS: [Fields, string][] = [
  [
    { prompt: "Q", generations: ["a", "b", "c"], ratings: [1, NaN, 3] },
    "ratings",
  ],
  [{ prompt: "Q", responses: ["a", "b", "c"], scores: [1, null, 3] }, "scores"],
  [
    { prompt: "Q", completions: ["a", "b", "c"], rewards: [1, "N/A", 3] },
    "rewards",
  ],
  [{
    prompt: "Q",
    answers: [{ answer: "a", rank: 2 }, { answer: "b" }, {
      answer: "c",
      rank: 1,
    }],
  }, "answers"],
  [{
    instruction: "Q",
    completions: [
      { response: "a", ["overall_score"]: 1 },
      { response: "b", ["overall_score"]: null },
      { response: "c", ["overall_score"]: 3 },
    ],
  }, "completions"],
];

for (const [fields, column] of LISTS) {
  Deno.test(`an answer without a number in "${column}" is left out and counted, not its row`, async () => {
    await using reader = await openRows({ name: "d", rows: [fields] });
    const [row] = await Array.fromAsync(reader.rows());
    deepStrictEqual(
      completionTexts(row!),
      ["c", "a"],
    );
    deepStrictEqual([...reader.notes.leftOut], [[column, 1]]);
  });
}

Deno.test("a list of which one answer alone has a number is refused by the other's name", async () => {
  const generations = ["a", "b", "c"];
  for (const ratings of [[1, null, NaN], [null, null, 0], ["N/A", "", 2]]) {
    const first = ratings.findIndex((rating) => !rating || rating === "N/A");
    await rejects(
      reading({ name: "d", rows: [{ prompt: "Q", generations, ratings }] }),
      {
        message: new RegExp(`expected "ratings\\[${first}\\]" to be a finite`),
      },
    );
  }
});

Deno.test("scores of a list in order decide nothing, and are left out where one is missing", async () => {
  for (const scores of [[2, NaN], [null, 1], ["None", 1]]) {
    const { said, leftOut } = await reading({
      name: "d",
      rows: [{ prompt: "Q", completions: ["a", "b"], scores }],
    });
    deepStrictEqual([said, leftOut], [{}, ["scores"]]);
  }
});
