import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  findFormat,
  FORMATS,
  recogniseFormat,
} from "lib/data/formats/registry.ts";
import { MAPPING_HELP } from "lib/data/formats/mapping.ts";
import { readRows } from "lib/data/containers/read_rows.ts";
import { openRows } from "lib/data/open_rows.ts";
import { shared } from "../../places.ts";
import {
  assistant,
  type Fields,
  read,
  readAll,
  testRefusals,
  user,
} from "../format_cases.ts";

const PAIR = { prompt: "Hi", chosen: "a", rejected: "b" };
const LABELLED = { prompt: "Hi", completion: "a", label: true };
const NAMES = FORMATS.map(({ name }) => name).join(", ");

Deno.test("FORMATS have names of their own, a kind and a line that says what rows look like", () => {
  const names = FORMATS.map(({ name }) => name);
  deepStrictEqual([...new Set(names)], names);
  const lines = FORMATS.map(({ name, kind, summary }) =>
    `${name}, ${kind}: ${summary}`
  );
  ok(lines.includes(
    "alpaca-labels, labels: instruction (text), output (text), " +
      "kto_tag (true, false, 1 or 0), [input (text)], [history (a list)]",
  ));
});

testRefusals([
  [
    "a later row without a field",
    [PAIR, { prompt: "Hi", chosen: "a" }],
    'row 2: no "rejected"; expected the columns prompt, chosen, rejected in every row (format trl-pairs)',
  ],
  [
    "a first row with null for a field",
    [{ prompt: "Hi", chosen: "a", rejected: null }],
    'row 1: no "rejected"; expected the columns prompt, chosen, rejected in every row (format trl-pairs)',
  ],
  [
    "a first row without a label",
    [{ prompt: "Hi", completion: "a" }],
    'row 1: no "label"; expected the columns prompt, completion, label in every row (format trl-labels)',
  ],
  [
    "a first row without a prompt",
    [{ completion: "a", label: true }],
    'row 1: no "prompt"; expected the columns prompt, completion, label in every row (format trl-labels)',
  ],
  [
    "a file whose second row is of another layout",
    [PAIR, LABELLED],
    'row 2: no "chosen"; expected the columns prompt, chosen, rejected in every row (format trl-pairs)',
  ],
  [
    "a file whose second row has messages for text",
    [PAIR, {
      prompt: [user("U")],
      chosen: [assistant("A")],
      rejected: [assistant("B")],
    }],
    'row 2: expected "prompt" to be text, found [{"role":"user","content":"U"}] (format trl-pairs)',
  ],
  [
    "unknown columns",
    [{ question: "Hi", good: "a", bad: "b" }],
    `row 1: unknown layout with the columns question, good, bad; the nearest known set is stack-exchange ("prompt=question; answers=answers.text; scores=answers.pm_score"), of which it lacks answers; ${MAPPING_HELP}`,
  ],
  [
    "conversations without preferences",
    [{ messages: [user("U"), assistant("A")] }],
    `row 1: unknown layout with the columns messages; the nearest known set is swift ("prompt=messages; rejected=rejected_response"), of which it lacks rejected_response; ${MAPPING_HELP}`,
  ],
  [
    "a row without columns",
    [{}],
    `row 1: unknown layout with the columns none; ${MAPPING_HELP}`,
  ],
  [
    "columns whose names a terminal would obey, but legibly,",
    [{ "\x1b[2J": 1 }],
    `row 1: unknown layout with the columns \\u001b[2J; ${MAPPING_HELP}`,
  ],
]);

testRefusals([[
  "a row that is not of the stated format",
  [LABELLED],
  'row 1: no "chosen"; expected the columns prompt, chosen, rejected in every row (format trl-pairs)',
]], { format: "trl-pairs" });

Deno.test("openRows() reads rows by the format that is stated", async () => {
  const row = {
    prompt: "no message",
    chosen: [user("U"), assistant("A")],
    rejected: [user("U"), assistant("B")],
  };
  const { format, rows } = await read([row], { format: "trl-pairs-implicit" });
  strictEqual(format, "trl-pairs-implicit");
  deepStrictEqual(rows[0]!.prompt, [user("U")]);
  const known = FORMATS.find(({ name }) => name === "trl-pairs-implicit")!;
  strictEqual(
    (await read([row], { format: known })).format,
    "trl-pairs-implicit",
  );
});

Deno.test("openRows() and findFormat() refuse a format that they do not know", async () => {
  const message = `Cannot use format "trl": expected one of ${NAMES}`;
  throws(() => findFormat("trl"), { message });
  // However lenient one is with rows.
  await rejects(read([PAIR], { format: "trl", skipBadRows: true }), {
    message,
  });
});

Deno.test("recogniseFormat() gives what reads the other rows of a stream", () => {
  const [first, second] = [LABELLED, { ...LABELLED, label: 0 }]
    .map((fields, i) => ({ location: `d.jsonl, line ${i + 1}`, fields }));
  const format = recogniseFormat(first!);
  strictEqual(format.name, "trl-labels");
  strictEqual(format.parse(second!).label, false);
});

Deno.test("openRows() leaves bad rows out where it may, and counts them", async () => {
  const rows: Fields[] = [
    { nothing: true },
    { ...PAIR, chosen: 5 },
    PAIR,
    LABELLED,
    { ...PAIR, prompt: "Ho" },
  ];
  const location = { name: "d.jsonl", rows };
  const reader = await openRows(location, { skipBadRows: true });
  strictEqual(reader.format, "trl-pairs");
  const kept = await Array.fromAsync(reader.rows());
  deepStrictEqual(kept.map(({ location }) => location), [
    "d.jsonl, row 3",
    "d.jsonl, row 5",
  ]);
  strictEqual(reader.bad.count, 3);
  deepStrictEqual(reader.bad.errors, [
    `Cannot read d.jsonl, row 1: unknown layout with the columns nothing; ${MAPPING_HELP}`,
    'Cannot read d.jsonl, row 2: expected "chosen" to be text, found 5 (format trl-pairs)',
    'Cannot read d.jsonl, row 4: no "chosen"; expected the columns prompt, chosen, rejected in every row (format trl-pairs)',
  ]);
});

Deno.test("openRows() names the first error where every row is bad", async () => {
  const message =
    "Cannot use d.jsonl: expected rows that can be read, found none";
  await rejects(
    read([{ ...PAIR, chosen: 5 }, LABELLED], { skipBadRows: true }),
    (error: Error) => {
      strictEqual(error.message, message);
      strictEqual(
        (error.cause as Error).message,
        'Cannot read d.jsonl, row 1: expected "chosen" to be text, found 5 (format trl-pairs)',
      );
      return true;
    },
  );
  await rejects(read([]), { message });
});

/** Files with their format, rows and, of labels, the desirable ones. */
const SHARED: [string, string, number, number | null][] = [
  ["llamafactory/dpo_en_demo.json", "sharegpt-pairs", 300, null],
  ["llamafactory/dpo_zh_demo.json", "sharegpt-pairs", 300, null],
  ["llamafactory/kto_en_demo.json", "messages-labels", 300, 150],
  ["llamafactory/v1_dpo_demo.jsonl", "llamafactory-v1", 10, null],
  ["truthfulqa/truthfulqa_best.jsonl", "trl-pairs", 817, null],
  ["truthfulqa/truthfulqa_judged_kto.jsonl.gz", "trl-labels", 18284, 7884],
  ["ukp/ukp_pairs.jsonl.gz", "trl-pairs", 6004, null],
  ["blimp/blimp_one_prefix.jsonl.gz", "trl-pairs", 20000, null],
];

for (const [name, expected, count, desirable] of SHARED) {
  const path = shared(`data/${name}`);
  Deno.test({
    name: `openRows() reads all of ${name} (needs ../shared/data)`,
    ignore: !existsSync(path),
    async fn() {
      // In memory, as a dataset_info.json lies beside some of the files.
      const fields = (await readRows(path)).map(({ fields }) => fields);
      const { format, rows } = await read(fields);
      strictEqual(format, expected);
      strictEqual(rows.length, count);
      const labels = rows.map(({ label }) => label);
      if (desirable === null) {
        return deepStrictEqual(new Set(labels), new Set([undefined]));
      }
      strictEqual(labels.filter((label) => label === true).length, desirable);
      strictEqual(
        labels.filter((label) => label === false).length,
        count - desirable,
      );
    },
  });
}

const UKP = shared("data/ukp/ukp_pairs.jsonl.gz");

Deno.test({
  name: "openRows() keeps the votes of every UKP pair (needs ../shared/data)",
  ignore: !existsSync(UKP),
  async fn() {
    const { rows } = await readAll(UKP);
    const agreements = rows.map(({ agreement }) => agreement!);
    ok(agreements.every((share) => share > 0 && share <= 1));
    // 1,921 rows have 5 of 5 votes for the chosen, 31 have 4 of 4.
    strictEqual(agreements.filter((share) => share === 1).length, 1952);
    // The gold standard overrules 71 votes.
    strictEqual(agreements.filter((share) => share < 0.5).length, 71);
  },
});
