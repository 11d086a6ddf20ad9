import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { hashExamples } from "lib/data/example.ts";
import { truncations } from "lib/data/tokenize/truncate.ts";
import type { Message } from "lib/data/messages.ts";
import { readRows } from "lib/data/containers/read_rows.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import {
  type Counts,
  RowTokenizer,
  type TokenizeOptions,
  tokenizeRows,
} from "lib/data/tokenize/tokenize.ts";
import { shared } from "../../places.ts";
import { withByteTokenizer } from "../byte_tokenizer.ts";
import { readAll } from "../format_cases.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

/** Pairs of token ids with these lengths: prompt, chosen, rejected. */
function pairs(...lengths: [number, number, number][]) {
  const ids = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
  const rows = lengths.map(([prompt, ...completions], i): PreferenceRow => ({
    location: `d.jsonl, line ${i + 1}`,
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
  spanned: 0,
  rewritten: 0,
};
const UNTOUCHED: Counts = {
  rows: 0,
  dropped: NONE_DROPPED,
  truncated: 0,
  truncatedPrompts: 0,
  boundaryShifted: 0,
  unterminated: null,
  doubledEos: null,
  withoutBos: 0,
  doubledBos: 0,
  specialInText: 0,
  leftOut: {},
  places: {},
};
const sizes = (set: Awaited<ReturnType<typeof tokenizeRows>>) =>
  set.examples.map(({ prompt, completions }) => [
    prompt.length,
    ...completions.map((ids) => ids.length),
  ]);

Deno.test("tokenizeRows() leaves token ids within the limits untouched", async () => {
  const rows = pairs([3, 2, 1], [1, 1, 4]);
  deepStrictEqual(await tokenizeRows(rows, { ...IDS, maxLength: 5 }), {
    kind: "pairs",
    examples: rows.rows.map(({ prompt, completions }) => ({
      prompt,
      completions,
    })),
    counts: { ...UNTOUCHED, rows: 2 },
  });
});

Deno.test("tokenizeRows() keeps labels", async () => {
  const [row] = pairs([1, 1, 1]).rows;
  const rows = [true, false].map((label) => ({ ...row!, label }));
  const { kind, examples } = await tokenizeRows({ kind: "labels", rows }, IDS);
  strictEqual(kind, "labels");
  deepStrictEqual(examples.map(({ label }) => label), [true, false]);
});

Deno.test("tokenizeRows() cuts completions at their end by default", async () => {
  const set = await tokenizeRows(pairs([3, 9, 1], [3, 2, 2]), {
    ...IDS,
    maxLength: 5,
  });
  deepStrictEqual(sizes(set), [[3, 2, 1], [3, 2, 2]]);
  deepStrictEqual(set.examples[0]!.completions, [[1, 2], [1]]);
  strictEqual(set.counts.truncated, 1);
});

Deno.test("tokenizeRows() counts completions without EOS, the cut ones too", () =>
  withByteTokenizer({}, async (folder) => {
    const rows = await readAll({
      name: "a",
      rows: [{ prompt: "abc", chosen: "defg", rejected: "h" }],
    });
    const tokenizer = await loadTokenizer(folder);
    const options = { tokenizer, vocabularySize: 200 };
    const whole = await tokenizeRows(rows, options);
    strictEqual(whole.counts.unterminated, 0);
    const { counts } = await tokenizeRows(rows, { ...options, maxLength: 6 });
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

    Deno.test(`tokenizeRows() with truncate "${truncate}" ${outcome} ${row}`, async () => {
      const run = () => tokenizeRows(rows, { ...options, truncate });
      if (cut) {
        deepStrictEqual(sizes(await run()), [[1, 1, 1], [2, 1, 3]]);
      } else if (drop) {
        deepStrictEqual(sizes(await run()), [[1, 1, 1]]);
        deepStrictEqual((await run()).counts, {
          ...UNTOUCHED,
          rows: 2,
          dropped: { ...NONE_DROPPED, [reason]: 1 },
          places: { [reason]: ["d.jsonl, line 2"] },
        });
      } else {
        await rejects(run, {
          message: `Cannot use d.jsonl, line 2: ${found} ` +
            `(truncate "${truncate}"; "end-or-drop" leaves such rows out)`,
        });
      }
    });
  }
}

Deno.test("tokenizeRows() refuses to drop every row", async () => {
  const options = { ...IDS, maxLength: 2, truncate: "drop" as const };
  await rejects(() => tokenizeRows(pairs([2, 1, 1], [1, 0, 1]), options), {
    message:
      "Cannot use the rows from d.jsonl, line 1 on: all 2 were dropped, " +
      "1 for an empty completion, 1 for a long prompt",
  });
});

Deno.test("tokenizeRows() counts rows that it cannot use, and goes on where it may", async () => {
  const { kind, rows: [row] } = pairs([1, 1, 1]);
  const wrong = { ...row!, prompt: [100] } as PreferenceRow;
  const errors: string[] = [];
  const onBadRow = ({ message }: Error) => errors.push(message);
  const rows = [wrong, row!];
  const { examples } = await tokenizeRows({ kind, rows }, { ...IDS, onBadRow });
  strictEqual(examples.length, 1);
  strictEqual(errors.length, 1);
  await rejects(
    () => tokenizeRows({ kind, rows: [wrong] }, { ...IDS, onBadRow }),
    {
      message:
        `Cannot use the rows from ${row!.location} on: all 1 were dropped, ` +
        "1 that cannot be used",
    },
  );
});

for (const id of [100, -1, 1.5]) {
  Deno.test(`tokenizeRows() refuses ${id} for a token id below 100`, async () => {
    const { kind, rows: [row] } = pairs([1, 1, 1]);
    const wrong: PreferenceRow = {
      location: row!.location,
      form: "ids",
      prompt: [99],
      completions: [[1], [2, id]],
    };
    await rejects(() => tokenizeRows({ kind, rows: [wrong] }, IDS), {
      message: `Cannot use d.jsonl, line 1: token id ${id} is not in the ` +
        "vocabulary; expected integers from 0 to 99",
    });
  });
}

Deno.test("tokenizeRows() names an empty prompt without BOS, and counts a moved boundary", async () => {
  const rows = (prompt: string) =>
    readAll({ name: "a", rows: [{ prompt, chosen: "yes", rejected: "no" }] });
  await withByteTokenizer(
    { bos: false, merges: [["Ġ", "y"]] },
    async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      const truncate = "end" as const;
      const options = { tokenizer, vocabularySize: 300, truncate };
      const message =
        /^Cannot use a, row 1: its prompt has no token, not even a BOS/;
      const empty = await rows("");
      await rejects(() => tokenizeRows(empty, options), { message });
      const shift = { ...options, boundary: "shift" as const };
      // Nothing is left of a prompt that becomes one token with the completion.
      const blank = await rows(" ");
      await rejects(() => tokenizeRows(blank, shift), { message });
      const spanned = await rows("is ");
      for (const each of [options, shift]) {
        const { counts } = await tokenizeRows(spanned, each);
        strictEqual(counts.boundaryShifted, 1);
        deepStrictEqual(counts.places, { boundaryShifted: ["a, row 1"] });
      }
    },
  );
});

/** A template in which the system turn is gone once an answer follows. */
const FORGETFUL = "{% for m in messages %}" +
  "{% if m.role != 'system' or messages[-1].role == 'user' %}" +
  "<|{{ m.role }}|>{{ m.content }}</s>{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}<|assistant|>{% endif %}";

Deno.test("tokenizeRows() counts rows left out for their boundary, and says where they are", () =>
  withByteTokenizer({
    merges: [["Ġ", "y"]],
    config: Object.fromEntries([["chat_template", FORGETFUL]]),
  }, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const user = { role: "user", content: "Hi" };
    const chat = (location: string, ...prompt: Message[]): PreferenceRow => ({
      location,
      form: "chat",
      prompt,
      completions: [[{ role: "assistant", content: "y" }]],
    });
    const text = (location: string, prompt: string): PreferenceRow => ({
      location,
      form: "text",
      prompt,
      completions: ["yes"],
    });
    const system = { role: "system", content: "Be brief." };
    const rows = [
      chat("a", user),
      chat("b", system, user),
      ...["c", "d", "e", "f"].map((location) => text(location, "is ")),
      text("g", "is"),
    ];
    const options = { tokenizer, vocabularySize: 300 };
    const { examples, counts } = await tokenizeRows({ kind: "pairs", rows }, {
      ...options,
      boundary: "drop",
    });
    strictEqual(examples.length, 2);
    deepStrictEqual(counts, {
      ...UNTOUCHED,
      rows: 7,
      dropped: { ...NONE_DROPPED, spanned: 4, rewritten: 1 },
      unterminated: 0,
      doubledEos: 0,
      // Of the chat, whose template writes none.
      withoutBos: 1,
      places: {
        spanned: ["c", "d", "e"],
        rewritten: ["b"],
        withoutBos: ["a"],
      },
    });
    await rejects(() => tokenizeRows({ kind: "pairs", rows }, options), {
      message: /^Cannot tokenize b: the chat template writes the turns before/,
    });
  }));

Deno.test("tokenizeRows() counts what it finds in kept rows, a BOS or EOS too many among it", () =>
  withByteTokenizer({}, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const fields = [
      { prompt: "<s><s>a", chosen: "b", rejected: "c</s></s>" },
      { prompt: "abcdef", chosen: "b", rejected: "c" },
      { prompt: "a", chosen: "bcdefg", rejected: "c" },
    ];
    const rows = await readAll({ name: "d", rows: fields });
    const { examples, counts } = await tokenizeRows(rows, {
      tokenizer,
      vocabularySize: 300,
      maxLength: 6,
      maxPromptLength: 4,
      promptTruncation: "start",
    });
    deepStrictEqual(counts, {
      ...UNTOUCHED,
      rows: 3,
      truncated: 1,
      truncatedPrompts: 1,
      unterminated: 1,
      doubledEos: 1,
      doubledBos: 1,
      specialInText: 1,
      places: {
        truncated: ["d, row 3"],
        truncatedPrompts: ["d, row 2"],
        unterminated: ["d, row 3"],
        doubledEos: ["d, row 1"],
        doubledBos: ["d, row 1"],
        specialInText: ["d, row 1"],
      },
    });
    // The BOS stays, and what stands next to the completion.
    deepStrictEqual(tokenizer!.decode(examples[1]!.prompt), "<s>def");
  }));

Deno.test("RowTokenizer tokenizes row by row what tokenizeRows() does at once", async () => {
  const { kind, rows } = pairs([3, 2, 1], [9, 1, 1], [3, 9, 1], [3, 0, 1]);
  const options = { ...IDS, maxLength: 8, truncate: "end-or-drop" as const };
  const tokenizer = new RowTokenizer(options);
  const examples = rows.map((row) => tokenizer.tokenize(row));
  const { counts, ...set } = await tokenizeRows({ kind, rows }, options);
  deepStrictEqual(examples.filter((each) => each !== null), set.examples);
  deepStrictEqual(examples.map((each) => each === null), [
    false,
    true,
    false,
    true,
  ]);
  deepStrictEqual(tokenizer.counts, counts);
});

Deno.test("tokenizeRows() keeps weights and ratings", async () => {
  const [row] = pairs([1, 1, 1]).rows;
  const rows = [{ ...row!, weight: 0.25, ratings: [4, 1.5] }];
  const { examples } = await tokenizeRows({ kind: "pairs", rows }, IDS);
  strictEqual(examples[0]!.weight, 0.25);
  deepStrictEqual(examples[0]!.ratings, [4, 1.5]);
});

const STORIES = { folder: shared("models/stories260K"), vocabularySize: 512 };

/** A test on real data, left out where ../shared is missing. */
function sharedTest(name: string, fn: () => Promise<void>): void {
  const ignore = !existsSync(shared());
  Deno.test({ name: `${name} (needs ../shared)`, ignore, fn });
}

async function stories() {
  const tokenizer = await loadTokenizer(STORIES.folder);
  return { tokenizer, vocabularySize: STORIES.vocabularySize };
}

sharedTest(
  "all TruthfulQA pairs get the ids of the original library",
  async () => {
    const rows = await readAll(shared("data/truthfulqa/truthfulqa_best.jsonl"));
    const set = await tokenizeRows(rows, await stories());
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
  const path = shared("golden/trajectories/kto-full.rows.jsonl");
  const { examples } = await tokenizeRows(await readAll(path), {
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
    (await readRows(path)).map(({ fields }) => fields),
  );
});

sharedTest(
  "the few empty answers of TruthfulQA are an error or dropped",
  async () => {
    const path = shared("data/truthfulqa/truthfulqa_judged_kto.jsonl.gz");
    const rows = await readAll(path, { limit: 1000 });
    const options = await stories();
    const strictly = { ...options, truncate: "end" as const };
    await rejects(() => tokenizeRows(rows, strictly), {
      message: `Cannot use ${path}, line 604: it has an empty completion ` +
        '(truncate "end"; "end-or-drop" leaves such rows out)',
    });
    const { examples, counts } = await tokenizeRows(rows, {
      ...options,
      truncate: "drop",
    });
    strictEqual(examples.length, 998);
    deepStrictEqual(counts, {
      ...UNTOUCHED,
      rows: 1000,
      dropped: { ...NONE_DROPPED, emptyCompletion: 2 },
      unterminated: 0,
      doubledEos: 0,
      places: { emptyCompletion: [`${path}, line 604`, `${path}, line 659`] },
    });
  },
);

sharedTest(
  "conversations need a template, and stories260K has none",
  async () => {
    const path = shared("data/llamafactory/dpo_en_demo.json");
    const rows = await readAll(path);
    const options = await stories();
    await rejects(() => tokenizeRows(rows, options), {
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
      const { kind, rows: all } = await readAll(path);
      strictEqual(all.length, 300);
      const rows = all.slice(0, 40);
      const tokenizer = await chattyStories();
      const { examples, counts } = await tokenizeRows({ kind, rows }, {
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

Deno.test("tokenizeRows() lets the program hear of other things meanwhile", async () => {
  const { kind, rows } = pairs([9, 9, 9]);
  let heard = 0;
  const timer = setInterval(() => heard++, 1);
  const many = Array.from({ length: 300_000 }, () => rows[0]!);
  await tokenizeRows({ kind, rows: many }, IDS);
  clearInterval(timer);
  ok(heard > 0);
});
