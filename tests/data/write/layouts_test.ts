import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { DataKind } from "lib/data/example.ts";
import { FORMATS, recogniseFormat } from "lib/data/formats/registry.ts";
import {
  assertWritable,
  LAYOUT_NAMES,
  trlLayout,
  type WrittenLayout,
  writtenRow,
} from "lib/data/write/layout.ts";
import {
  datasetInfoEntry,
  llamafactoryLayout,
} from "lib/data/write/llamafactory.ts";
import { conversation, labelled, pair } from "../analyse/rows.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

const LAYOUTS = { trl: trlLayout, llamafactory: llamafactoryLayout };

function written(row: PreferenceRow, layout: WrittenLayout) {
  const format = FORMATS.find(({ name }) => name === layout.format)!;
  return writtenRow(row, { layout, format });
}

const TOOLS = [{ type: "function", function: { name: "f" } }];
const CHAT = conversation(
  ["system: Be short.", "user: Say yes.", "assistant: Why?", "user: So."],
  ["Yes.", "No."],
);
const { completions: [yes], ...rest } = CHAT as PreferenceRow & {
  form: "chat";
};
const CHAT_LABEL: PreferenceRow = {
  ...rest,
  completions: [yes!],
  label: false,
};

const ROWS: Record<string, [DataKind, PreferenceRow]> = {
  "a pair of texts": ["pairs", pair("Say yes.", [" Yes.", " No."])],
  "a pair with scores": [
    "pairs",
    pair("q", ["a", "b"], { ratings: [2.5, -1] }),
  ],
  "a pair with votes": ["pairs", pair("q", ["a", "b"], { agreement: 9 / 11 })],
  "a labelled text": ["labels", labelled("q", "a", true)],
  "a pair of answers": ["pairs", CHAT],
  "a pair of answers with tools": ["pairs", { ...CHAT, tools: TOOLS }],
  "a labelled answer": ["labels", CHAT_LABEL],
};

for (const [what, [kind, row]] of Object.entries(ROWS)) {
  for (const name of LAYOUT_NAMES) {
    Deno.test(`${what} is read as it was written for ${name}`, () => {
      const layout = LAYOUTS[name](kind, row.form);
      const fields = JSON.parse(JSON.stringify(written(row, layout)));
      const again = { location: row.location, fields };
      const format = recogniseFormat(again);
      strictEqual(format.name, layout.format);
      deepStrictEqual(format.parse(again), layout.adapt(row));
    });
  }
}

Deno.test("TRL's columns are its own", () => {
  deepStrictEqual(written(CHAT_LABEL, trlLayout("labels", "chat")), {
    prompt: CHAT.prompt,
    completion: [{ role: "assistant", content: "Yes." }],
    label: false,
  });
});

Deno.test("LLaMA-Factory's tags and columns are its own", () => {
  deepStrictEqual(written(CHAT, llamafactoryLayout("pairs", "chat")), {
    conversations: [
      { from: "system", value: "Be short." },
      { from: "human", value: "Say yes." },
      { from: "gpt", value: "Why?" },
      { from: "human", value: "So." },
    ],
    chosen: { from: "gpt", value: "Yes." },
    rejected: { from: "gpt", value: "No." },
  });
  deepStrictEqual(
    written(labelled("q", "a", true), llamafactoryLayout("labels", "text")),
    { instruction: "q", input: "", output: "a", "kto_tag": true },
  );
});

Deno.test("LLaMA-Factory is told which columns to read", () => {
  deepStrictEqual(
    datasetInfoEntry({ kind: "pairs", form: "text", tools: true }, "a.json"),
    {
      "file_name": "a.json",
      ranking: true,
      formatting: "alpaca",
      columns: {
        prompt: "instruction",
        query: "input",
        chosen: "chosen",
        rejected: "rejected",
        tools: "tools",
      },
    },
  );
  deepStrictEqual(
    datasetInfoEntry({ kind: "labels", form: "chat", tools: false }, "a.json"),
    {
      "file_name": "a.json",
      formatting: "sharegpt",
      columns: { messages: "conversations", "kto_tag": "kto_tag" },
    },
  );
});

Deno.test("votes are the fewest that have the share, or about a million", () => {
  const votes = (agreement: number) => {
    const row = pair("q", ["a", "b"], { agreement });
    const { votes_chosen: chosen, votes_rejected: rejected } = trlLayout(
      "pairs",
      "text",
    ).write(row);
    return [chosen, rejected];
  };
  deepStrictEqual(votes(0), [0, 1]);
  deepStrictEqual(votes(1), [1, 0]);
  deepStrictEqual(votes(0.6), [3, 2]);
  deepStrictEqual(votes(4.5 / 7), [9, 5]);
  deepStrictEqual(votes(Math.SQRT1_2), [707107, 292893]);
});

const LOST: Record<string, [PreferenceRow, RegExp]> = {
  "a name of a speaker": [
    {
      ...rest,
      prompt: [{ role: "user", content: "q", name: "Ann" }],
      completions: [yes!, yes!],
    },
    /as sharegpt-pairs: it would change the row's prompt, /,
  ],
  "speakers that do not take turns": [
    conversation(["user: a", "user: b"], ["c", "d"]),
    /take turns; found role user/,
  ],
  "a weight": [{ ...CHAT, weight: 0.5 }, /would change the row's weight/],
};

for (const [what, [row, message]] of Object.entries(LOST)) {
  Deno.test(`${what} is not lost in silence`, () => {
    throws(() => written(row, llamafactoryLayout("pairs", "chat")), message);
  });
}

Deno.test("an empty desirable answer is not written for LLaMA-Factory, which would turn it round", () => {
  throws(
    () =>
      written(labelled("q", "", true), llamafactoryLayout("labels", "text")),
    /line \d+ for LLaMA-Factory: it takes an empty desirable answer/,
  );
});

Deno.test("ranked lists and token ids are refused with what would do", () => {
  throws(
    () => assertWritable({ kind: "ranks", form: "text" }, "trl"),
    /ranked lists as trl: .* --pairs all, best-worst or adjacent makes pairs/,
  );
  throws(
    () => assertWritable({ kind: "pairs", form: "ids" }, "llamafactory"),
    /token ids as llamafactory: .* --to tokens$/,
  );
});

Deno.test("answers of several messages are not written for LLaMA-Factory, which drops such rows", () => {
  const row = conversation(["user: Hi!"], ["So.", "Soon."]);
  const completions = row.completions.map((answer) => [
    { role: "assistant", content: "Hello." },
    { role: "user", content: "Why?" },
    ...answer as { role: string; content: string }[],
  ]);
  throws(
    () =>
      written(
        { ...row, completions } as PreferenceRow,
        llamafactoryLayout("pairs", "chat"),
      ),
    /for LLaMA-Factory: its answers part 3 messages before their end/,
  );
});
