import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hashExamples } from "lib/data/describe_examples.ts";
import { parseRows, type PreferenceRow } from "lib/data/formats.ts";
import { readRows } from "lib/data/read_rows.ts";
import { loadTokenizer } from "lib/data/tokenizer.ts";
import {
  type TokenizeOptions,
  tokenizeRows,
  truncations,
} from "lib/data/tokenize.ts";
import { withByteTokenizer } from "./byte_tokenizer.ts";

/** Pairs of token ids with these lengths: prompt, chosen, rejected. */
function pairs(...lengths: [number, number, number][]) {
  const ids = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
  const rows = lengths.map(([prompt, ...completions], i): PreferenceRow => ({
    where: `d.jsonl, line ${i + 1}`,
    form: "ids",
    prompt: ids(prompt),
    completions: completions.map(ids),
  }));
  return { kind: "pairs" as const, rows };
}

const IDS: TokenizeOptions = { tokenizer: null, vocabularySize: 100 };
const NONE_DROPPED = {
  emptyPrompt: 0,
  emptyCompletion: 0,
  longPrompt: 0,
  longCompletion: 0,
};
const sizes = (set: ReturnType<typeof tokenizeRows>) =>
  set.examples.map(({ prompt, completions }) => [
    prompt.length,
    ...completions.map((ids) => ids.length),
  ]);

Deno.test("tokenizeRows() leaves token ids within the limits untouched", () => {
  const rows = pairs([3, 2, 1], [1, 1, 4]);
  deepStrictEqual(tokenizeRows(rows, { ...IDS, maxLength: 5 }), {
    kind: "pairs",
    examples: rows.rows.map(({ prompt, completions }) => ({
      prompt,
      completions,
    })),
    counts: {
      rows: 2,
      dropped: NONE_DROPPED,
      truncated: 0,
      boundaryShifted: 0,
      unterminated: null,
    },
  });
});

Deno.test("tokenizeRows() keeps labels", () => {
  const [row] = pairs([1, 1, 1]).rows;
  const rows = [true, false].map((label) => ({ ...row!, label }));
  const { kind, examples } = tokenizeRows({ kind: "labels", rows }, IDS);
  strictEqual(kind, "labels");
  deepStrictEqual(examples.map(({ label }) => label), [true, false]);
});

Deno.test("tokenizeRows() cuts completions at their end by default", () => {
  const set = tokenizeRows(pairs([3, 9, 1], [3, 2, 2]), {
    ...IDS,
    maxLength: 5,
  });
  deepStrictEqual(sizes(set), [[3, 2, 1], [3, 2, 2]]);
  deepStrictEqual(set.examples[0]!.completions, [[1, 2], [1]]);
  strictEqual(set.counts.truncated, 1);
});

Deno.test("tokenizeRows() counts completions without EOS, the cut ones too", () =>
  withByteTokenizer({}, async (folder) => {
    const rows = parseRows([
      { where: "a", fields: { prompt: "abc", chosen: "defg", rejected: "h" } },
    ]);
    const tokenizer = await loadTokenizer(folder);
    const options = { tokenizer, vocabularySize: 200 };
    strictEqual(tokenizeRows(rows, options).counts.unterminated, 0);
    const { counts } = tokenizeRows(rows, { ...options, maxLength: 6 });
    strictEqual(counts.unterminated, 1);
    strictEqual(counts.truncated, 1);
  }));

/** One row that fits within 5, then one that does not, by reason. */
const UNFIT: [keyof typeof NONE_DROPPED, [number, number, number], string][] = [
  [
    "emptyPrompt",
    [0, 1, 1],
    "its prompt has no token, not even a BOS",
  ],
  ["emptyCompletion", [1, 1, 0], "it has an empty completion"],
  ["longPrompt", [4, 1, 1], "its prompt has 4 tokens, more than 3"],
  [
    "longPrompt",
    [5, 1, 1],
    "its prompt has 5 tokens, which leaves no room for a completion within 5",
  ],
  ["longCompletion", [2, 1, 4], "it has 6 tokens, more than 5"],
];

for (const [reason, lengths, found] of UNFIT) {
  const maxPromptLength = lengths[0] === 4 ? 3 : Infinity;
  const options = { ...IDS, maxLength: 5, maxPromptLength };
  const rows = pairs([1, 1, 1], lengths);

  for (const truncate of truncations) {
    const cut = reason === "longCompletion" && truncate.startsWith("end");
    const drop = truncate.endsWith("drop");
    const outcome = cut ? "cuts" : drop ? "drops" : "refuses";
    const row = `a row of lengths ${lengths} (${reason})`;

    Deno.test(`tokenizeRows() with truncate "${truncate}" ${outcome} ${row}`, () => {
      const run = () => tokenizeRows(rows, { ...options, truncate });
      if (cut) {
        deepStrictEqual(sizes(run()), [[1, 1, 1], [2, 1, 3]]);
      } else if (drop) {
        deepStrictEqual(sizes(run()), [[1, 1, 1]]);
        deepStrictEqual(run().counts, {
          rows: 2,
          dropped: { ...NONE_DROPPED, [reason]: 1 },
          truncated: 0,
          boundaryShifted: 0,
          unterminated: null,
        });
      } else {
        throws(run, {
          message: `Cannot use d.jsonl, line 2: ${found} ` +
            `(truncate "${truncate}"; "end-or-drop" leaves such rows out)`,
        });
      }
    });
  }
}

Deno.test("tokenizeRows() refuses to drop every row", () => {
  const options = { ...IDS, maxLength: 2, truncate: "drop" as const };
  throws(() => tokenizeRows(pairs([2, 1, 1], [1, 0, 1]), options), {
    message:
      "Cannot use the rows from d.jsonl, line 1 on: all 2 were dropped, " +
      "emptyPrompt 0, emptyCompletion 1, longPrompt 1, longCompletion 0",
  });
});

for (const id of [100, -1, 1.5]) {
  Deno.test(`tokenizeRows() refuses ${id} for a token id below 100`, () => {
    const { kind, rows: [row] } = pairs([1, 1, 1]);
    const wrong: PreferenceRow = {
      where: row!.where,
      form: "ids",
      prompt: [99],
      completions: [[1], [2, id]],
    };
    throws(() => tokenizeRows({ kind, rows: [wrong] }, IDS), {
      message: `Cannot use d.jsonl, line 1: token id ${id} is not in the ` +
        "vocabulary; expected integers from 0 to 99",
    });
  });
}

Deno.test("tokenizeRows() names an empty prompt without BOS, and counts a moved boundary", async () => {
  const rows = (prompt: string) =>
    parseRows([
      { where: "a", fields: { prompt, chosen: "yes", rejected: "no" } },
    ]);
  await withByteTokenizer(
    { bos: false, merges: [["Ġ", "y"]] },
    async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      const options = { tokenizer, vocabularySize: 300 };
      const message = /^Cannot use a: its prompt has no token, not even a BOS/;
      throws(() => tokenizeRows(rows(""), options), { message });
      // Nothing is left of a prompt that becomes one token with the completion.
      throws(() => tokenizeRows(rows(" "), options), { message });
      strictEqual(tokenizeRows(rows("is "), options).counts.boundaryShifted, 1);
    },
  );
});

const SHARED = new URL("../../../shared/", import.meta.url);
const shared = (path: string) => fileURLToPath(new URL(path, SHARED));
const STORIES = { folder: shared("models/stories260K"), vocabularySize: 512 };

/** A test on real data, left out where ../shared is missing. */
function sharedTest(name: string, fn: () => Promise<void>): void {
  const ignore = !existsSync(SHARED);
  Deno.test({ name: `${name} (needs ../shared)`, ignore, fn });
}

async function stories() {
  const tokenizer = await loadTokenizer(STORIES.folder);
  return { tokenizer, vocabularySize: STORIES.vocabularySize };
}

sharedTest(
  "all TruthfulQA pairs get the ids of the original library",
  async () => {
    const rows = await readRows(
      shared("data/truthfulqa/truthfulqa_best.jsonl"),
    );
    const set = tokenizeRows(parseRows(rows), await stories());
    strictEqual(set.examples.length, 817);
    // Made with Python's tokenizers 0.23: the prompt's ids, and what follows
    // them in those of prompt + answer + "</s>".
    strictEqual(
      hashExamples(set),
      "7bb743a4f34d7153496fc46b3420dee75c66604569e30fc2eba7eec4f42cd2b5",
    );
  },
);

sharedTest("rows of token ids pass unchanged", async () => {
  const rows = await readRows(
    shared("golden/trajectories/kto-full.rows.jsonl"),
  );
  const { examples } = tokenizeRows(parseRows(rows), {
    tokenizer: null,
    vocabularySize: 512,
  });
  deepStrictEqual(
    examples.map(({ prompt, completions: [completion], label }) =>
      Object.fromEntries([
        ["prompt_ids", prompt],
        ["completion_ids", completion],
        ["label", label],
      ])
    ),
    rows.map(({ fields }) => fields),
  );
});

sharedTest(
  "the few empty answers of TruthfulQA are an error or dropped",
  async () => {
    const path = shared("data/truthfulqa/truthfulqa_judged_kto.jsonl.gz");
    const rows = parseRows((await readRows(path)).slice(0, 1000));
    const options = await stories();
    throws(() => tokenizeRows(rows, options), {
      message: `Cannot use ${path}, line 604: it has an empty completion ` +
        '(truncate "end"; "end-or-drop" leaves such rows out)',
    });
    const { examples, counts } = tokenizeRows(rows, {
      ...options,
      truncate: "drop",
    });
    strictEqual(examples.length, 998);
    deepStrictEqual(counts, {
      rows: 1000,
      dropped: { ...NONE_DROPPED, emptyCompletion: 2 },
      truncated: 0,
      boundaryShifted: 0,
      unterminated: 0,
    });
  },
);

sharedTest(
  "conversations need a template, and stories260K has none",
  async () => {
    const path = shared("data/llamafactory/dpo_en_demo.json");
    const rows = parseRows(await readRows(path));
    const options = await stories();
    throws(() => tokenizeRows(rows, options), {
      message:
        `Cannot tokenize ${path}, row 1: messages need a chat template, and ` +
        "the model folder has none (chat_template.jinja, or chat_template in " +
        "tokenizer_config.json)",
    });
  },
);

/** The text of a conversation's completions. */
function answers(row: PreferenceRow): string[] {
  if (row.form === "chat") {
    return row.completions.map(([turn]) => turn!.content);
  }
  throw new TypeError(`Expected a conversation, found ${row.form}`);
}

/** The tokenizer of stories260K with a chat template. */
async function chattyStories() {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(`${STORIES.folder}/${name}`, `${folder}/${name}`);
    }
    const template = "{% for m in messages %}" +
      "[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}" +
      "{% if add_generation_prompt %}[assistant]{% endif %}";
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, template);
    return (await loadTokenizer(folder))!;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const file of ["dpo_en_demo", "dpo_zh_demo", "kto_en_demo"]) {
  sharedTest(
    `${file} becomes examples that decode to its answers`,
    async () => {
      const path = shared(`data/llamafactory/${file}.json`);
      const { kind, rows: all } = parseRows(await readRows(path));
      strictEqual(all.length, 300);
      const rows = all.slice(0, 40);
      const tokenizer = await chattyStories();
      const { examples, counts } = tokenizeRows({ kind, rows }, {
        tokenizer,
        vocabularySize: 512,
      });
      strictEqual(counts.unterminated, 0);
      deepStrictEqual(
        examples.map(({ label }) => label),
        rows.map(({ label }) => label),
      );
      for (const [i, { prompt, completions }] of examples.entries()) {
        const decoded = completions.map((ids) =>
          tokenizer.decode([...prompt, ...ids]).split("[assistant]").at(-1)
        );
        deepStrictEqual(
          decoded,
          answers(rows[i]!).map((text) => `${text}</s>`),
        );
      }
    },
  );
}
