import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Rng } from "lib/rng.ts";
import { dataFile } from "../containers/data_file.ts";
import { assistant, type Fields, readAll, user } from "../format_cases.ts";
import { numpyRepr, repr } from "./python_repr.ts";

const TEXTS = [
  "Hi",
  "",
  "it's",
  'a "word"',
  `it's "both"`,
  "two\nlines\r\n",
  "back\\slash \\n",
  "é 色 🙂",
  "[{'role': 'user', 'content': 'x'}]",
  '{"role": "user"}',
  "None, True; NaN",
  "a, b\t]}",
];
const pick = <T>(rng: Rng, list: readonly T[]) =>
  list[rng.integer(list.length)]!;

function call(rng: Rng) {
  return {
    type: "function",
    function: {
      name: pick(rng, ["f", "get_it"]),
      arguments: { a: pick(rng, TEXTS), n: rng.integer(9), on: true, of: null },
    },
  };
}

function answer(rng: Rng): Fields {
  const said = assistant(`A${rng.integer(100)} ${pick(rng, TEXTS)}`);
  return {
    ...said,
    ...rng.integer(4) === 0 && { ["tool_calls"]: [call(rng)] },
    ...rng.integer(4) === 0 && { ["reasoning_content"]: pick(rng, TEXTS) },
    ...rng.integer(4) === 0 && { name: null },
  };
}

/** Random rows of messages, by layout, each column of which may be spelled as text. */
function randomRow(rng: Rng): Fields {
  const asked = () => user(`Q ${pick(rng, TEXTS)}`);
  const prompt = rng.integer(3) === 0
    ? [asked(), answer(rng), asked()]
    : [asked()];
  const [good, bad] = [[answer(rng)], [{ ...answer(rng), content: "B" }]];
  const layouts: Fields[] = [
    { prompt, chosen: good, rejected: bad },
    { chosen: [...prompt, ...good], rejected: [...prompt, ...bad] },
    { prompt, completion: good, label: true },
    { messages: [...prompt, ...good], label: false },
  ];
  return pick(rng, layouts);
}

type Spell = (messages: unknown[]) => string;
const SPELLINGS: Record<string, Spell> = {
  "JSON": JSON.stringify,
  "JSON over several lines": (value) => JSON.stringify(value, null, 1),
  "Python": repr,
  "numpy": numpyRepr,
  "numpy's repr()": (value) => `array(${numpyRepr(value)}, dtype=object)`,
};

const csvCell = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;

/** Files of rows whose messages are spelled as text. */
const CONTAINERS: Record<string, (row: Fields) => string> = {
  "d.jsonl": (row) => JSON.stringify(row),
  "d.csv": (row) =>
    [Object.keys(row), Object.values(row)]
      .map((cells) => cells.map(csvCell).join()).join("\n"),
};

async function read(name: string, text: string) {
  using file = dataFile(text, name);
  const { format, rows } = await readAll(file.path);
  return { format, rows: rows.map(({ location: _, ...row }) => row) };
}

for (const [how, spell] of Object.entries(SPELLINGS)) {
  Deno.test(`messages that ${how} spells are read as the messages, in CSV and JSONL`, async () => {
    const rng = new Rng(how);
    for (let i = 0; i < 25; i++) {
      const row = randomRow(rng);
      const expected = await read("d.jsonl", JSON.stringify(row));
      const spelled = Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          Array.isArray(value) ? spell(value) : value,
        ]),
      );
      for (const [name, write] of Object.entries(CONTAINERS)) {
        const text = write(spelled);
        deepStrictEqual(await read(name, text), expected, text);
      }
    }
  });
}

/** A value that is no messages, though it may look like them. */
function randomJson(rng: Rng, depth = 2): unknown {
  const keys = ["name", "role", "content", "from", "to", "value", "age"];
  const kind = rng.integer(depth > 0 ? 5 : 3);
  if (kind === 0) return pick(rng, TEXTS);
  if (kind === 1) return rng.integer(100) / 4;
  if (kind === 2) return pick(rng, [true, false, null]);
  if (kind === 3) {
    return Array.from(
      { length: rng.integer(3) },
      () => randomJson(rng, depth - 1),
    );
  }
  // Never a speaker and what is said together.
  const speaks = rng.integer(2) === 0;
  return Object.fromEntries(
    keys.filter((key) =>
      rng.integer(2) === 0 &&
      !(speaks ? ["content", "value"] : ["role", "from"]).includes(key)
    ).map((key) => [key, randomJson(rng, depth - 1)]),
  );
}

Deno.test("answers that are JSON or Python, and no messages, stay the text that they are", async () => {
  const rng = new Rng(4);
  for (let i = 0; i < 60; i++) {
    const [chosen, rejected] = [0, 1].map(() =>
      pick(rng, [JSON.stringify, repr])(randomJson(rng))
    );
    const row = { prompt: "Extract.", chosen, rejected };
    for (const [name, write] of Object.entries(CONTAINERS)) {
      const { format, rows: [found] } = await read(name, write(row));
      strictEqual(format, "trl-pairs", write(row));
      deepStrictEqual(found!.completions, [chosen, rejected]);
    }
  }
});
