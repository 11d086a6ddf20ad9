import {
  deepStrictEqual,
  notDeepStrictEqual,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { join } from "node:path";
import { type Example, hashExamples } from "lib/data/example.ts";
import { lengthLimit, loadExamples } from "lib/data/load.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { withByteTokenizer } from "./byte_tokenizer.ts";
import { sha256File } from "lib/record/sha256.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const OPTIONS = { role: "train", tokenizer: null, vocabularySize: 100 };
const PAIRS: Example[] = [
  {
    prompt: [1, 2],
    completions: [[3, 4], [5]],
    lossMask: [[true, false], [true]],
  },
  { prompt: [1], completions: [[6], [7, 8]], weight: 0.5 },
];
const COUNTS = {
  rows: 2,
  truncated: 0,
  truncatedPrompts: 0,
  boundaryShifted: 0,
  withoutBos: 0,
  doubledBos: 0,
  specialInText: 0,
  systemDropped: 0,
  dropped: 0,
  skipped: 0,
};

const inMemory = (examples: readonly Example[]) =>
  ({ name: "made", kind: "pairs", examples }) as const;

Deno.test("loadExamples() takes examples in memory as they are, and describes them", async () => {
  const loaded = await loadExamples(inMemory(PAIRS), OPTIONS);
  deepStrictEqual(loaded, {
    kind: "pairs",
    examples: PAIRS,
    description: {
      role: "train",
      source: "made",
      sha256: hashExamples({ examples: PAIRS }),
      format: "ids-pairs",
      counts: COUNTS,
    },
  });
});

Deno.test("loadExamples() reads rows in memory as those of a file", async () => {
  using folder = temporaryFolder();
  const rows = PAIRS.map(({ prompt, completions: [chosen, rejected] }) =>
    Object.fromEntries([
      ["prompt_ids", prompt],
      ["chosen_ids", chosen],
      ["rejected_ids", rejected],
    ])
  );
  const path = join(folder.path, "pairs.jsonl");
  Deno.writeTextFileSync(
    path,
    rows.map((row) => JSON.stringify(row)).join("\n"),
  );
  const fromFile = await loadExamples(path, OPTIONS);
  const loaded = await loadExamples({ name: "pairs.jsonl", rows }, OPTIONS);
  const { files, ...description } = fromFile.description;
  deepStrictEqual(loaded, { ...fromFile, description });
  deepStrictEqual(files, [await sha256File(path)]);
  deepStrictEqual(
    loaded.examples,
    PAIRS.map(({ prompt, completions }) => ({ prompt, completions })),
  );
});

Deno.test("loadExamples() holds examples in memory to vocabulary and limits", async () => {
  const wrong = [{ prompt: [100], completions: [[1], [2]] }];
  await rejects(loadExamples(inMemory(wrong), OPTIONS), {
    message: "Cannot use made, example 1: token id 100 is not in the " +
      "vocabulary; expected integers from 0 to 99",
  });
  const options = { ...OPTIONS, maxLength: 3, skipBadRows: true };
  const { examples, description } = await loadExamples(
    inMemory([...wrong, ...PAIRS]),
    options,
  );
  deepStrictEqual(examples, [
    {
      prompt: [1, 2],
      completions: [[3], [5]],
      lossMask: [[true], [true]],
    },
    PAIRS[1],
  ]);
  deepStrictEqual(description.counts, {
    ...COUNTS,
    rows: 3,
    truncated: 1,
    skipped: 1,
  });
});

Deno.test("conversions of examples in memory take their masks along", async () => {
  const flipped = await loadExamples(inMemory(PAIRS), {
    ...OPTIONS,
    conversions: { flip: 1 },
  });
  deepStrictEqual(flipped.examples[0], {
    prompt: [1, 2],
    completions: [[5], [3, 4]],
    lossMask: [[true], [true, false]],
  });
  deepStrictEqual(flipped.description.conversions, [
    { name: "flip", setting: 1, counts: { rows: 2, flipped: 2 } },
  ]);
  const { kind, examples } = await loadExamples(inMemory(PAIRS.slice(0, 1)), {
    ...OPTIONS,
    conversions: { unpair: true },
  });
  strictEqual(kind, "labels");
  deepStrictEqual(
    examples.find(({ label }) => label)?.lossMask,
    [[true, false]],
  );
  const paired = await loadExamples({ name: "made", kind, examples }, {
    ...OPTIONS,
    conversions: { pairLabels: true },
  });
  deepStrictEqual(paired.examples, PAIRS.slice(0, 1));
});

Deno.test("pairs of labelled examples count all tokens of one without a mask", async () => {
  const examples = [
    { prompt: [1], completions: [[2, 3]], label: true },
    {
      prompt: [1],
      completions: [[4, 5]],
      lossMask: [[false, true]],
      label: false,
    },
  ];
  const { examples: [pair] } = await loadExamples(
    { name: "made", kind: "labels", examples },
    { ...OPTIONS, conversions: { pairLabels: true } },
  );
  deepStrictEqual(pair!.lossMask, [[true, true], [false, true]]);
});

Deno.test("loadExamples() refuses conversions that leave nothing", () =>
  rejects(
    loadExamples(
      {
        name: "made",
        rows: [{ prompt: "a", completion: "b", label: true }],
      },
      { ...OPTIONS, conversions: { keepDesirable: 0 } },
    ),
    { message: "Cannot use made: conversions leave none of its 1 rows" },
  ));

Deno.test("the length limit is the wanted one, or 1024, within the model's positions", () => {
  strictEqual(lengthLimit(null, { maxPositions: 2048 }), 1024);
  strictEqual(lengthLimit(null, { maxPositions: 512 }), 512);
  strictEqual(lengthLimit(300, { maxPositions: 512 }), 300);
});

Deno.test("loadExamples() counts completions that are equal after truncation, and plain text for a chat model", async () => {
  const config = Object.fromEntries([["chat_template", "{{ messages }}"]]);
  await withByteTokenizer({ config }, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const rows = [
      { prompt: "Q", chosen: "same, but", rejected: "same, and" },
      { prompt: "Q", chosen: "one", rejected: "two \ud83d" },
    ];
    const options = { ...OPTIONS, tokenizer, vocabularySize: 1e3 };
    const counted = async (maxLength: number) => {
      const { description: { counts } } = await loadExamples(
        { name: "made", rows },
        { ...options, maxLength },
      );
      strictEqual(counts.halfCharacters, 1);
      return [counts.equalCompletions, counts.plainText];
    };
    deepStrictEqual(await counted(100), [undefined, 2]);
    deepStrictEqual(await counted(8), [1, 2]);
  });
});

Deno.test("loadExamples() makes the same of text through the template as of messages", async () => {
  const source = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
  const config = Object.fromEntries([["chat_template", source]]);
  await withByteTokenizer({ config }, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const options = { ...OPTIONS, tokenizer, vocabularySize: 1e3 };
    const message = (role: string, content: string) => [{ role, content }];
    const load = (row: Record<string, unknown>, template: boolean) =>
      loadExamples({ name: "made", rows: [row] }, { ...options, template });
    const text = { prompt: "Q", chosen: "Yes.", rejected: "No." };
    const messages = {
      prompt: message("user", "Q"),
      chosen: message("assistant", "Yes."),
      rejected: message("assistant", "No."),
    };
    const [plain, put, chat] = [
      await load(text, false),
      await load(text, true),
      await load(messages, true),
    ];
    deepStrictEqual(put.examples, chat.examples);
    strictEqual(put.description.sha256, chat.description.sha256);
    notDeepStrictEqual(put.examples, plain.examples);
    deepStrictEqual(
      [plain, put].map(({ description }) => description.counts.plainText),
      [1, undefined],
    );
  });
});

Deno.test("loadExamples() tells of columns, values and ties that do not reach training", async () => {
  const answers = { history: "Q", ["human_ref_A"]: "A", ["human_ref_B"]: "B" };
  const rows = [
    { ...answers, labels: 1, domain: "d" },
    { ...answers, labels: "none", domain: "d" },
  ];
  const config = Object.fromEntries([[
    "chat_template",
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}" +
    "{% if add_generation_prompt %}<|assistant|>{% endif %}",
  ]]);
  await withByteTokenizer({ config }, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const { description } = await loadExamples(
      { name: "made", rows },
      { ...OPTIONS, tokenizer, vocabularySize: 1e3 },
    );
    deepStrictEqual(description.unreadColumns, ["domain"]);
    deepStrictEqual(description.counts.ties, 1);
    deepStrictEqual(description.format, "shp");
  });
});

Deno.test("loadExamples() counts what the chat template leaves out", async () => {
  const config = Object.fromEntries([[
    "chat_template",
    "{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}",
  ]]);
  const answer = (content: string) => [{ role: "assistant", content }];
  const row = {
    prompt: [{ role: "user", content: "Q" }],
    chosen: answer("<think>yes</think>A"),
    rejected: answer("B"),
  };
  await withByteTokenizer({ config }, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const { description } = await loadExamples(
      { name: "made", rows: [row, { ...row, tools: [{ name: "t" }] }] },
      { ...OPTIONS, tokenizer, vocabularySize: 1e3 },
    );
    const { systemDropped, thoughtsDropped, toolsDropped, answersDropped } =
      description.counts;
    deepStrictEqual(
      [systemDropped, thoughtsDropped, toolsDropped, answersDropped],
      [0, 2, 1, undefined],
    );
  });
});
