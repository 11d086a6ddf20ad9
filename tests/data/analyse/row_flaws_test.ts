import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { rowFlaws } from "lib/data/analyse/row_flaws.ts";
import { conversation, labelled, pair } from "./rows.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

/** Names of the checks that find something. */
function found(...rows: PreferenceRow[]): string[] {
  const flaws = rowFlaws();
  rows.forEach((row) => flaws.add(row));
  return flaws.findings().filter(({ count }) => count > 0)
    .map(({ check }) => check);
}

Deno.test("rows without flaws are found without", () => {
  deepStrictEqual(
    found(
      pair("Say yes.", [" Yes.", " No."], { ratings: [2, 1], agreement: 0.8 }),
      labelled("Say yes.\n", "Yes.", true),
      conversation(["system: Be short.", "user: Say yes."], ["Yes.", "No."]),
      { form: "ids", location: "a", prompt: [1], completions: [[2], [3]] },
    ),
    [],
  );
});

const FLAWED: Record<string, PreferenceRow> = {
  "empty completions": pair("Say yes.", [" Yes.", ""]),
  "blank completions": labelled("Say yes.", " \n", false),
  "near-empty prompts": pair("? a", [" b", " c"]),
  "equal completions": pair("Say yes.", [" Yes.", " Yes."]),
  "completions equal except for case, white space or punctuation": pair(
    "Say yes.",
    [" Yes!", " yes"],
  ),
  "prompt and completion without a space between": pair("Say yes.", [
    "Yes.",
    "No.",
  ]),
  "text that is messages": pair("Say yes.", [
    " [{'role': 'assistant', 'content': 'Yes.'}]",
    " No.",
  ]),
  "completions that begin with the prompt": pair("Say yes to me.", [
    " Say yes to me. Yes.",
    "\nSay yes to me. No.",
  ]),
  "completions of which only some begin with the prompt": pair(
    "Say yes to me.",
    [" Say yes to me. Yes.", " No."],
  ),
  "prompts that end in a space": pair("Say yes. ", ["Yes.", "No."]),
  "prompts that end in the assistant's turn": conversation(
    ["user: Say yes.", "assistant: Why?"],
    ["Yes.", "No."],
  ),
  "a role twice in a row": conversation(["user: Please.", "user: Say yes."], [
    "Yes.",
    "No.",
  ]),
  "system turns that are not the first": conversation(
    ["user: Hello.", "assistant: Hello.", "system: Be.", "user: Say yes."],
    ["Yes.", "No."],
  ),
  "empty turns in the prompt": conversation(
    ["system: ", "user: Say yes."],
    ["Yes.", "No."],
  ),
  "scores that are not numbers or not in order": pair(
    "Say yes.",
    [" Yes.", " No."],
    { ratings: [1, 2] },
  ),
  "agreement outside [0, 1]": pair("Say yes.", [" Yes.", " No."], {
    agreement: 1.5,
  }),
  "agreement of a half or less": pair("Say yes.", [" Yes.", " No."], {
    agreement: 0.5,
  }),
};

for (const [check, row] of Object.entries(FLAWED)) {
  Deno.test(`${check} are found, and nothing else`, () => {
    deepStrictEqual(found(row), [check]);
  });
}

Deno.test("a conversation that ends in an empty answer has an empty completion", () => {
  deepStrictEqual(found(conversation(["user: Say yes."], ["Yes.", ""])), [
    "empty completions",
  ]);
});

Deno.test("an answer that only calls a tool is not empty", () => {
  const call = { role: "assistant", content: "", "tool_calls": [{ id: "f" }] };
  deepStrictEqual(
    found({
      form: "chat",
      location: "a",
      prompt: [{ role: "user", content: "Say yes." }],
      completions: [[call], [{ role: "assistant", content: "No." }]],
    }),
    [],
  );
});

Deno.test("of a flaw its rows are counted and the first three places kept", () => {
  const flaws = rowFlaws();
  for (let line = 1; line <= 5; line++) {
    flaws.add(pair("Say yes.", ["", " b"], { location: `a, line ${line}` }));
  }
  const [empty] = flaws.findings();
  strictEqual(empty!.verdict, "wrong");
  strictEqual(empty!.count, 5);
  deepStrictEqual(empty!.places, ["a, line 1", "a, line 2", "a, line 3"]);
});

Deno.test("completions are equal that differ in notes alone, and not those with another call", () => {
  const base = conversation(["user: Say yes."], ["Yes.", "Yes."]);
  const given = (part: Record<string, unknown>): PreferenceRow => ({
    ...base,
    form: "chat",
    prompt: [{ role: "user", content: "Say yes." }],
    completions: [{}, part].map((more) => [
      { role: "assistant", content: "Yes.", ...more },
    ]),
  });
  const call = (value: unknown) => ({
    ["tool_calls"]: [{ id: "1", function: { name: "f", arguments: value } }],
  });
  deepStrictEqual(found(given({ model: "m", id: 7 })), ["equal completions"]);
  deepStrictEqual(found(given({ ["reasoning_content"]: "Hm." })), [
    "completions equal except for case, white space or punctuation",
  ]);
  const pairOf = (a: unknown, b: unknown): PreferenceRow => ({
    ...base,
    form: "chat",
    prompt: [{ role: "user", content: "Say yes." }],
    completions: [a, b].map((value) => [
      { role: "assistant", content: "Yes.", ...call(value) },
    ]),
  });
  const alike = "completions equal except for case, white space or punctuation";
  deepStrictEqual(found(pairOf({ a: Object(5) }, { a: 5 })), [alike]);
  deepStrictEqual(found(pairOf({ a: 5 }, { a: 5 })), ["equal completions"]);
});
