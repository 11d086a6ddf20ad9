import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { knownChats, knownSets } from "lib/data/formats/known_sets.ts";
import { recogniseFormat } from "lib/data/formats/registry.ts";
import { openRows } from "lib/data/open_rows.ts";
import { assistant, type Fields, read, system, user } from "../format_cases.ts";
import { ASKED, BAD, GOOD, KNOWN_ROWS, Q } from "./known_set_rows.ts";

Deno.test("every known set has rows to try it on", () => {
  const names = [...knownSets, ...knownChats].map(({ name }) => name);
  deepStrictEqual(Object.keys(KNOWN_ROWS).sort(), names.sort());
});

for (const [name, { rows, ties = [] }] of Object.entries(KNOWN_ROWS)) {
  Deno.test(`openRows() finds ${name} by its columns, and the better answer`, async () => {
    for (const row of rows) {
      const { format, rows: [found] } = await read([row]);
      strictEqual(format, name);
      const expected = { undefined: [GOOD, BAD], true: [GOOD], false: [BAD] };
      deepStrictEqual(
        found?.completions,
        expected[`${found?.label}`].map((turn) => [turn]),
      );
      const [first, ...more] = found.prompt as ReturnType<typeof user>[];
      const asked = first?.role === "system" ? more : [first];
      deepStrictEqual(
        asked.map((turn) => turn?.content.replace("\n", " ")),
        [Q],
      );
    }
  });

  Deno.test(`openRows() leaves ties of ${name} out, and counts them`, async () => {
    const location = { name: "d.jsonl", rows: [...ties, ...rows] };
    await using reader = await openRows(location);
    const found = await Array.fromAsync(reader.rows());
    strictEqual(found.length, rows.length);
    strictEqual(reader.notes.ties, ties.length);
  });
}

Deno.test("system prompts of known sets come first", async () => {
  for (
    const name of ["system-pairs", "orca-dpo", "swift-query", "distilabel"]
  ) {
    const [row] = KNOWN_ROWS[name]!.rows;
    const { rows: [found] } = await read([{ ...row, system: "Be brief." }]);
    deepStrictEqual(found?.prompt, [system("Be brief."), ...ASKED]);
  }
});

Deno.test("rounds of an arena part at the first answer that differs", async () => {
  const { rows: [found] } = await read([{
    prompt: '["Hi", "Colour?"]',
    response_a: '["Hello.", "Tuesday."]',
    response_b: '["Hello.", "Blue."]',
    winner_model_a: 0,
    winner_model_b: 1,
  }]);
  deepStrictEqual(found?.prompt, [
    user("Hi"),
    assistant("Hello."),
    user("Colour?"),
  ]);
  deepStrictEqual(found.completions, [[GOOD], [BAD]]);
});

Deno.test("no row of another layout is taken for a known set", () => {
  const location = "d.jsonl, row 1";
  const others: [string, Fields][] = [
    ["trl-pairs", { prompt: Q, chosen: "a", rejected: "b" }],
    ["trl-pairs", { prompt: Q, chosen: "a", rejected: "b", system: "" }],
    ["zephyr", {
      prompt: Q,
      messages: [...ASKED, GOOD],
      chosen: [...ASKED, GOOD],
      rejected: [...ASKED, BAD],
    }],
    ["trl-pairs-implicit", {
      messages: [...ASKED, GOOD],
      chosen: [...ASKED, GOOD],
      rejected: [...ASKED, BAD],
    }],
    ["alpaca-pairs", { instruction: Q, input: "", chosen: "a", rejected: "b" }],
    ["ranks", { prompt: Q, completions: ["a", "b"], scores: [2, 1] }],
  ];
  for (const [name, fields] of others) {
    strictEqual(recogniseFormat({ location, fields }).name, name);
  }
});
