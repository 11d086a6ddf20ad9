import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { FORMATS } from "lib/data/formats/registry.ts";
import { loadExamples } from "lib/data/load.ts";
import { encodePrompt, readPrompts } from "lib/data/tokenize/prompts.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { withByteTokenizer } from "../byte_tokenizer.ts";
import { dataFile } from "../containers/data_file.ts";
import { assistant, type Fields, gpt, human, user } from "../format_cases.ts";
import {
  ASKED,
  BAD,
  DIALOGUE,
  GOOD,
  KNOWN_ROWS,
  Q,
} from "../formats/known_set_rows.ts";

const TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
  "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

const EARLIER = [user("Hi."), assistant("Hello."), ...ASKED];
const sides = (prompt: unknown[] = []) => ({
  chosen: [...prompt, GOOD],
  rejected: [...prompt, BAD],
});
const dialogues = {
  chosen: `${DIALOGUE}Blue.`,
  rejected: `${DIALOGUE}Tuesday.`,
};
const texts = { chosen: "Blue.", rejected: "Tuesday." };
const rated = (name: string) => ({
  prompt: Q,
  completions: [GOOD, BAD].map(({ content }, i) => ({
    response: content,
    [name]: 5 - i,
  })),
});

/** A row of each format that no known set stands for, and of its variants. */
const ROWS: Readonly<Record<string, Fields[]>> = {
  "halos-pairs": [{
    type: "pairwise_feedback",
    prompt: EARLIER,
    output_A: [GOOD],
    output_B: [BAD],
    label: 1,
  }],
  "halos-labels": [{
    type: "binary_feedback",
    prompt: EARLIER,
    output: [GOOD],
    label: 1,
  }],
  "openai": [{
    input: { messages: EARLIER },
    preferred_output: [GOOD],
    non_preferred_output: [BAD],
  }],
  "llamafactory-v1": [{
    chosen_messages: [...EARLIER, GOOD],
    rejected_messages: [...EARLIER, BAD],
  }],
  "sharegpt-pairs": [{
    system: "Be brief.",
    conversations: [human(Q)],
    chosen: gpt("Blue."),
    rejected: gpt("Tuesday."),
  }],
  "sharegpt-labels": [{
    conversations: [human(Q), gpt("Blue.")],
    kto_tag: true,
  }],
  "hh-rlhf-prompt": [{ prompt: DIALOGUE, ...dialogues }],
  "hh-rlhf": [dialogues],
  "trl-pairs-chat": [
    { prompt: EARLIER, ...sides() },
    { prompt: ASKED, ...sides(), system: "Be brief." },
  ],
  "zephyr": [{ prompt: Q, ...sides(EARLIER) }],
  "trl-pairs-implicit": [sides(EARLIER)],
  "trl-pairs": [{ prompt: Q, ...texts }, { prompt: `${Q}\n`, ...texts }],
  "alpaca-pairs": [
    { instruction: Q, input: "A bright one.", ...texts },
    {
      instruction: Q,
      system: "Be brief.",
      history: [["Hi.", "Yes?"]],
      ...texts,
    },
  ],
  "alpaca-labels": [{ instruction: Q, output: "Blue.", kto_tag: false }],
  "trl-labels-chat": [{ prompt: ASKED, completion: [GOOD], label: true }],
  "messages-labels": [{ messages: [...EARLIER, GOOD], label: true }],
  "trl-labels": [{ prompt: Q, completion: "Blue.", label: true }],
  "ultrafeedback": [rated("overall_score")],
  "ultrafeedback-fine-grained": [rated("fine-grained_score")],
  "ultrafeedback-score": [rated("score")],
  "ranks-chat": [{ prompt: EARLIER, completions: [[GOOD], [BAD]] }],
  "ranks": [{ prompt: Q, completions: ["Blue.", "Tuesday."] }],
};

/** Rows whose prompts are token ids. */
const IDS: Readonly<Record<string, Fields>> = {
  "ids-pairs": { prompt_ids: [1], chosen_ids: [2], rejected_ids: [3] },
  "ids-labels": { prompt_ids: [1], completion_ids: [2], label: 1 },
  "ids-ranks": { prompt_ids: [1], completions_ids: [[2], [3]] },
};

Deno.test("prompts have the ids that training gives them, for every format", async () => {
  const known = Object.entries(KNOWN_ROWS)
    .map(([name, { rows }]) => [name, rows] as const);
  const all = [...Object.entries(ROWS), ...known];
  deepStrictEqual(
    [...all.map(([name]) => name), ...Object.keys(IDS)].sort(),
    FORMATS.map(({ name }) => name).sort(),
  );
  const config = Object.fromEntries([["chat_template", TEMPLATE]]);
  await withByteTokenizer({ config }, async (folder) => {
    const tokenizer = (await loadTokenizer(folder))!;
    const { vocabularySize } = tokenizer;
    const options = { role: "train", tokenizer, vocabularySize };
    const rows = all.flatMap(([name, rows]) =>
      rows.map((row) => ({ name, row }))
    );
    using file = dataFile(
      rows.map(({ row }) => JSON.stringify(row)).join("\n"),
      "a.jsonl",
    );
    const prompts = await readPrompts(file.path);
    deepStrictEqual(prompts.length, rows.length);
    for (const [i, { name, row }] of rows.entries()) {
      const { examples: [trained], description } = await loadExamples(
        { name, rows: [row] },
        options,
      );
      deepStrictEqual(description.format, name);
      const ids = encodePrompt(prompts[i]!, tokenizer, { chat: true });
      ok(ids.length > Q.length);
      deepStrictEqual(ids, trained!.prompt, name);
    }
  });
});

Deno.test("a prompt of token ids is refused, whatever text stands beside it", async () => {
  const rows = Object.values(IDS)
    .flatMap((row) => [row, { ...row, prompt: "a question" }]);
  for (const row of rows) {
    using file = dataFile(JSON.stringify(row), "a.jsonl");
    await rejects(readPrompts(file.path), {
      message: /a\.jsonl, line 1: expected "prompt_ids" to be prompts as text/,
    });
  }
});
