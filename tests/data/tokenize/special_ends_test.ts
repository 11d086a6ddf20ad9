import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { SpecialEndsChecker } from "lib/data/tokenize/special_ends.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { bytes, withByteTokenizer } from "../byte_tokenizer.ts";
import { fixtureTokenizer, type Model } from "../fixture_models.ts";

/** What ends a turn of each model besides its EOS. */
const TERMINATORS: [Model, string[]][] = [
  ["chatml", ["<|im_end|>"]],
  ["gemma_2", ["<eos>", "<end_of_turn>"]],
  ["llama_3", ["<|eot_id|>"]],
  ["mistral_v0_3", ["</s>"]],
  ["phi_3", ["<|endoftext|>", "<|end|>"]],
  ["qwen_3", ["<|im_end|>"]],
  ["zephyr", ["</s>"]],
];

for (const [model, expected] of TERMINATORS) {
  Deno.test(`${model} ends with ${expected}`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    const { terminators } = new SpecialEndsChecker(tokenizer);
    const texts = [...terminators].map((id) => tokenizer.decode([id]));
    deepStrictEqual(texts.toSorted(), expected.toSorted());
  });
}

const A = bytes("a");
const [SPACE] = bytes(" ") as [number];
const fine = {
  withoutBos: false,
  doubledBos: false,
  unterminated: 0,
  doubledEos: 0,
};

/** What is shown, a row, and what differs from a row that is fine. */
const ROWS: [string, Parameters<SpecialEndsChecker["read"]>[0], object][] = [
  ["a BOS and an EOS", { prompt: [0, 9], completions: [[9, 1]] }, {}],
  ["space after the EOS", { prompt: [0, 9], completions: [[9, 1, SPACE]] }, {}],
  ["no BOS", { prompt: [9], completions: [[9, 1]] }, { withoutBos: true }],
  [
    "two BOS",
    { prompt: [0, 0, 9], completions: [[9, 1]] },
    { doubledBos: true },
  ],
  [
    "a BOS in prompt and completion",
    { prompt: [0], completions: [[0, 9, 1]] },
    { doubledBos: true },
  ],
  [
    "completions without EOS",
    { prompt: [0], completions: [[9, 1], A, [9, 1, 9]] },
    { unterminated: 2 },
  ],
  [
    "an EOS that is not scored",
    { prompt: [0], completions: [[9, 1]], lossMask: [[true, false]] },
    { unterminated: 1 },
  ],
  [
    "an EOS that is scored, before what is not",
    { prompt: [0], completions: [[9, 1, 9]], lossMask: [[true, true, false]] },
    {},
  ],
  [
    "an EOS twice",
    { prompt: [0], completions: [[9, 1, 1], [9, 1, SPACE, SPACE, 1]] },
    { doubledEos: 2 },
  ],
  ["EOS within", { prompt: [0], completions: [[9, 1, 9, 1]] }, {}],
];

for (const [name, row, differing] of ROWS) {
  Deno.test(`the ends of a row are seen: ${name}`, () =>
    withByteTokenizer({}, async (folder) => {
      const reader = new SpecialEndsChecker(await loadTokenizer(folder));
      deepStrictEqual(reader.read(row), { ...fine, ...differing });
    }));
}

Deno.test("without a tokenizer no terminator is known", () => {
  const reader = new SpecialEndsChecker(null);
  strictEqual(reader.terminators.size, 0);
  deepStrictEqual(reader.read({ prompt: [7], completions: [[8]] }), fine);
});

Deno.test("a template that refuses a question and an answer leaves the EOS alone", () => {
  const config = Object.fromEntries([
    ["chat_template", "{{ raise_exception('no') }}"],
  ]);
  return withByteTokenizer({ config }, async (folder) => {
    const { terminators } = new SpecialEndsChecker(await loadTokenizer(folder));
    deepStrictEqual([...terminators], [1]);
  });
});
