import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { DataChecks } from "lib/data/analyse/checks.ts";
import { recogniseFormat } from "lib/data/formats/registry.ts";
import { loadExamples } from "lib/data/load.ts";
import { openRows } from "lib/data/open_rows.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import { encodePrompt, readPrompts } from "lib/data/tokenize/prompts.ts";
import type { TokenizeOptions } from "lib/data/tokenize/tokenize.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { bytes, writeByteTokenizer } from "./byte_tokenizer.ts";
import { dataFile } from "./containers/data_file.ts";
import { fixtureTokenizer, type Model } from "./fixture_models.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const GITHUB = "https://github.com";

/** A template that keeps of an answer what follows its thoughts, as DeepSeek's first one. */
const WITHOUT_THOUGHTS = String
  .raw`{% for m in messages %}<|{{ m.role }}|>{{ m.content.split('</think>')[-1] }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`;

/** A template that writes calls only where there is no content, as DeepSeek's. */
const CALLS_WITHOUT_CONTENT = String
  .raw`{% for m in messages %}<|{{ m.role }}|>{% if m.content is none %}{% for c in m.tool_calls %}{{ c.function.name + c.function.arguments }}{% endfor %}{% else %}{{ m.content }}{% endif %}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`;

/** A template that refuses its own marks in an answer, as gpt-oss's. */
const GUARDED = String
  .raw`{% for m in messages %}{% if '<|assistant|>' in m.content %}{{ raise_exception('You have passed a message with <|assistant|> in its content.') }}{% endif %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`;

/** A template that marks for a trainer what the assistant says. */
const GENERATION = String
  .raw`{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}{% generation %}{{ m.content + eos_token }}{% endgeneration %}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`;

const CALL = (given: string) =>
  `[{"role": "assistant", "content": null, "tool_calls": [{"type": "function", "function": {"name": "get_time", "arguments": ${given}}}]}]`;
const CALLED = (chosen: string, rejected: string, more = "") =>
  `{"prompt": [{"role": "user", "content": "Time in Bergen?"}], "chosen": ${
    CALL(chosen)
  }, "rejected": ${CALL(rejected)}${more}}`;
const CITY = (name: string) => `{"city": "${name}"}`;
const TOOLS =
  `, "tools": [{"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "zone": null}}}}]`;

const TREE = { role: "user", content: "Name a tree." };
const row = (chosen: string, rejected: string, more = {}) =>
  JSON.stringify({
    prompt: [TREE],
    chosen: [{ role: "assistant", content: chosen }],
    rejected: [{ role: "assistant", content: rejected }],
    ...more,
  });

/** The tokenizer of a fixture, or one of bytes with a chat template. */
async function tokenizerOf(
  model: Model | { template: string },
): Promise<Tokenizer> {
  if (typeof model === "string") return await fixtureTokenizer(model);
  using folder = temporaryFolder();
  const config = Object.fromEntries([["chat_template", model.template]]);
  await writeByteTokenizer(folder.path, { config });
  return (await loadTokenizer(folder.path))!;
}

function optionsFor(tokenizer: Tokenizer): TokenizeOptions {
  return { tokenizer, vocabularySize: tokenizer.vocabularySize };
}

/** The text of a row's prompt, and the scored text of each completion. */
async function texts(line: string, tokenizer: Tokenizer): Promise<string[]> {
  using file = dataFile(line, "a.jsonl");
  const { examples: [example] } = await loadExamples(file.path, {
    role: "train",
    ...optionsFor(tokenizer),
  });
  const { prompt, completions, lossMask } = example!;
  const scored = completions.map((ids, k) =>
    ids.filter((_, i) => lossMask?.[k]?.[i] ?? true)
  );
  return [prompt, ...scored].map((ids) => tokenizer.decode(ids));
}

/** The counts of a file's rows in the record of a training run. */
async function counts(lines: string, options: TokenizeOptions) {
  using file = dataFile(lines, "a.jsonl");
  const loaded = await loadExamples(file.path, { role: "train", ...options });
  return loaded.description.counts;
}

/** Names of the checks that find something, with their verdicts. */
async function found(lines: string, options: TokenizeOptions) {
  using file = dataFile(lines, "a.jsonl");
  await using reader = await openRows(file.path);
  const checks = new DataChecks(reader, { tokenizing: options });
  for await (const row of reader.rows()) checks.add(row);
  return checks.findings().filter(({ count }) => count > 0)
    .map(({ verdict, check, count }) => `${verdict}: ${count} ${check}`);
}

Deno.test(`calls that the template leaves out are refused, and wrong (${GITHUB}/huggingface/trl/pull/5517)`, async () => {
  const line = CALLED(CITY("Bergen"), CITY("Bern"), TOOLS);
  const tokenizer = await tokenizerOf("chatml");
  await rejects(
    texts(line, tokenizer),
    /the chat template leaves out all that completion 1 says \(tool calls, tools\)/,
  );
  const all = await found(line, optionsFor(tokenizer));
  ok(all.includes("wrong: 1 rows that cannot be tokenized"), all.join());
});

Deno.test(`thoughts that the template leaves out are counted, and leave equal tokens (${GITHUB}/huggingface/open-r1/pull/349)`, async () => {
  const line = row(
    "<think>\nA tree.\n</think>\n\nOak",
    "<think>\nHm.\n</think>\n\nOak",
  );
  const tokenizer = await tokenizerOf({ template: WITHOUT_THOUGHTS });
  const all = await found(line, optionsFor(tokenizer));
  for (
    const expected of [
      "wrong: 1 thoughts that the template leaves out",
      "wrong: 1 completions of equal tokens",
    ]
  ) ok(all.includes(expected), all.join());
  const recorded = await counts(line, optionsFor(tokenizer));
  strictEqual(recorded.thoughtsDropped, 1);
  strictEqual(recorded.equalCompletions, 1);
});

Deno.test(`a call without content is in the text (${GITHUB}/huggingface/transformers/issues/45419)`, async () => {
  const line = CALLED(
    JSON.stringify(CITY("Bergen")),
    JSON.stringify(CITY("Bern")),
  );
  const tokenizer = await tokenizerOf({ template: CALLS_WITHOUT_CONTENT });
  deepStrictEqual((await texts(line, tokenizer)).slice(1), [
    'get_time{"city": "Bergen"}</s>',
    'get_time{"city": "Bern"}</s>',
  ]);
});

Deno.test(`a template that refuses its marks in answers says so itself (${GITHUB}/sgl-project/sglang/issues/10061)`, async () => {
  const tokenizer = await tokenizerOf({ template: GUARDED });
  const line = row("Hm.</s><|assistant|>Oak.", "Nine.");
  await rejects(
    texts(line, tokenizer),
    /You have passed a message with <\|assistant\|> in its content\./,
  );
});

Deno.test(`chat_template_kwargs of a row reach the template (${GITHUB}/huggingface/trl/pull/6315)`, async () => {
  const line = row("Oak.", "Nine.", {
    ["chat_template_kwargs"]: { ["enable_thinking"]: false },
  });
  const [prompt, ...scored] = await texts(line, await tokenizerOf("qwen_3"));
  match(prompt!, /<think>\n\n<\/think>\n\n$/);
  deepStrictEqual(scored, ["Oak.<|im_end|>\n", "Nine.<|im_end|>\n"]);
});

Deno.test(`answers that are equal after truncation are wrong, and counted (${GITHUB}/huggingface/trl/issues/1311)`, async () => {
  const start = "Let me think about this for a while. ".repeat(5);
  const line = row(`${start}Oak.`, `${start}Nine.`);
  const options = { ...optionsFor(await tokenizerOf("chatml")), maxLength: 60 };
  const all = await found(line, options);
  ok(all.includes("wrong: 1 completions of equal tokens"), all.join());
  const recorded = await counts(line, options);
  strictEqual(recorded.equalCompletions, 1);
});

Deno.test(`arguments that are JSON text are written once (${GITHUB}/oumi-ai/oumi/pull/2599)`, async () => {
  const line = CALLED(
    JSON.stringify(CITY("Bergen")),
    JSON.stringify(CITY("Bern")),
    TOOLS,
  );
  const [, chosen] = await texts(line, await tokenizerOf("qwen_2_5"));
  match(chosen!, /"arguments": \{"city": "Bergen"\}\}\n<\/tool_call>/);
});

Deno.test(`nulls that Arrow gives a tool are not in the prompt (${GITHUB}/modelscope/ms-swift/pull/10110)`, async () => {
  const tokenizer = await tokenizerOf("qwen_2_5");
  const fields = JSON.parse(CALLED(CITY("Bergen"), CITY("Bern"), TOOLS));
  for (const arrow of [true, false]) {
    const source = { location: "a.parquet, row 1", fields, arrow };
    const { prompt } = encodeRow(
      recogniseFormat(source).parse(source),
      tokenizer,
    );
    const text = tokenizer.decode(prompt);
    match(text, /"properties": \{"city": \{"type": "string"\}\}/);
  }
});

Deno.test(`floats of arguments keep their point (${GITHUB}/mitsuhiko/minijinja/pull/937)`, async () => {
  const line = CALLED('{"amount": 5.0}', '{"amount": 5}');
  const tokenizer = await tokenizerOf("qwen_2_5");
  const [, chosen, rejected] = await texts(line, tokenizer);
  match(chosen!, /"arguments": \{"amount": 5\.0\}/);
  match(rejected!, /"arguments": \{"amount": 5\}/);
  const all = await found(line, optionsFor(tokenizer));
  deepStrictEqual(all.filter((each) => each.startsWith("wrong")), []);
});

/** Columns that must change nothing, by a model that could show them. */
const NOTHING: Record<string, [Model, string]> = {
  [`an empty list of calls (${GITHUB}/vllm-project/vllm/issues/13978)`]: [
    "qwen_2_5",
    row("Oak.", "Nine.").replaceAll(
      '"assistant",',
      '"assistant", "tool_calls": [],',
    ),
  ],
  [`an empty list of tools (${GITHUB}/huggingface/trl/pull/5380)`]: [
    "llama_3_1",
    row("Oak.", "Nine.", { tools: [] }),
  ],
};

for (const [what, [model, line]] of Object.entries(NOTHING)) {
  Deno.test(`${what} counts as none`, async () => {
    const tokenizer = await tokenizerOf(model);
    const plain = row("Oak.", "Nine.");
    ok(line.length > plain.length);
    deepStrictEqual(
      await texts(line, tokenizer),
      await texts(plain, tokenizer),
    );
  });
}

Deno.test(`generate sees the system message that training sees (${GITHUB}/princeton-nlp/SimPO/issues/21)`, async () => {
  const tokenizer = await tokenizerOf("chatml");
  const line = row("FIG", "Oak.", { system: "Answer FIG." });
  using file = dataFile(line, "a.jsonl");
  const [prompt] = await readPrompts(file.path);
  const ids = encodePrompt(prompt!, tokenizer, { chat: true });
  const [trained] = await texts(line, tokenizer);
  strictEqual(tokenizer.decode(ids), trained);
  match(trained!, /^<\|im_start\|>system\nAnswer FIG\.<\|im_end\|>/);
});

Deno.test(`plain text for a chat model is worth a look, and counted (${GITHUB}/huggingface/trl/issues/1687)`, async () => {
  const lines =
    '{"prompt": "Which tree is tall?", "chosen": " A fir.", "rejected": " Moss."}';
  const options = optionsFor(await tokenizerOf("chatml"));
  const all = await found(lines, options);
  ok(
    all.includes("look: 1 plain text for a model with a chat template"),
    all.join(),
  );
  const recorded = await counts(lines, options);
  strictEqual(recorded.plainText, 1);
});

Deno.test(`digits are split as tokenizer.json says, whatever the tokenizer's class (${GITHUB}/huggingface/transformers/issues/45920)`, async () => {
  using folder = temporaryFolder();
  await writeByteTokenizer(folder.path, {
    merges: [["2", "0"], ["Ċ", "Ċ"]],
    preTokenizer: { type: "Digits", ["individual_digits"]: true },
    config: Object.fromEntries([["tokenizer_class", "GPT2Tokenizer"]]),
  });
  const { encode } = (await loadTokenizer(folder.path))!;
  const ids = encode("in 2025", { addSpecialTokens: false });
  deepStrictEqual(ids, bytes("in 2025"));
});

Deno.test(`a template's generation tag changes nothing (${GITHUB}/axolotl-ai-cloud/axolotl/issues/2762)`, async () => {
  const line = row("Oak.", "Nine.");
  const [tagged, plain] = await Promise.all(
    [GENERATION, GENERATION.replaceAll(/\{% (end)?generation %\}/g, "")]
      .map(async (template) =>
        await texts(line, await tokenizerOf({ template }))
      ),
  );
  deepStrictEqual(tagged, plain);
  deepStrictEqual(tagged!.slice(1), ["Oak.</s>", "Nine.</s>"]);
});

Deno.test(`thoughts of the prompt go as the template lets them, those of answers are scored (${GITHUB}/huggingface/trl/issues/5213)`, async () => {
  const thought = (inside: string, text: string) => ({
    role: "assistant",
    content: `<think>\n${inside}\n</think>\n\n${text}`,
  });
  const line = JSON.stringify({
    prompt: [TREE, thought("old", "Fir."), {
      role: "user",
      content: "Another.",
    }],
    chosen: [thought("new", "Oak.")],
    rejected: [thought("hm", "Nine.")],
  });
  const [prompt, ...scored] = await texts(line, await tokenizerOf("qwen_3"));
  match(prompt!, /assistant\nFir\.<\|im_end\|>/);
  ok(!prompt!.includes("old"), prompt);
  deepStrictEqual(scored, [
    "<think>\nnew\n</think>\n\nOak.<|im_end|>\n",
    "<think>\nhm\n</think>\n\nNine.<|im_end|>\n",
  ]);
});

Deno.test("prompts that end in the assistant's turn are worth a look (transformers, continue_final_message)", async () => {
  const prompt = [TREE, { role: "assistant", content: "Sure: " }];
  const options = optionsFor(await tokenizerOf("chatml"));
  const all = await found(row("oak.", "nine.", { prompt }), options);
  ok(
    all.includes("look: 1 prompts that end in the assistant's turn"),
    all.join(),
  );
});
