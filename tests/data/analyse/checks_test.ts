import { deepStrictEqual } from "node:assert/strict";
import { DataChecks } from "lib/data/analyse/checks.ts";
import { openRows } from "lib/data/open_rows.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { withByteTokenizer } from "../byte_tokenizer.ts";

/** Counts of the findings of these names. */
async function counts(
  rows: Record<string, unknown>[],
  { names, template = null, maxLength = 100, applied = false }: {
    names: string[];
    template?: string | null;
    /** Whether it is applied to plain text. */
    applied?: boolean;
    maxLength?: number;
  },
) {
  const config = Object.fromEntries(
    template === null ? [] : [["chat_template", template]],
  );
  let found: (number | undefined)[] = [];
  await withByteTokenizer({ config }, async (folder) => {
    const tokenizer = (await loadTokenizer(folder))!;
    const tokenizing = {
      ...{ tokenizer, vocabularySize: 1e3, maxLength, template: applied },
    };
    await using data = await openRows({ name: "d", rows });
    const checks = new DataChecks(data, { tokenizing });
    for await (const row of data.rows()) checks.add(row);
    const findings = checks.findings();
    found = names.map((name) =>
      findings.find(({ check }) => check === name)?.count
    );
  });
  return found;
}

const PAIR = { prompt: "Q", chosen: "same, but", rejected: "same, and" };

Deno.test("completions are equal on the tokens that training sees", async () => {
  const names = ["completions of equal tokens"];
  deepStrictEqual(await counts([PAIR], { names }), [0]);
  deepStrictEqual(await counts([PAIR, PAIR], { names, maxLength: 8 }), [2]);
  const thinking = (thought: string) => [
    { role: "assistant", content: `<think>${thought}</think>4` },
  ];
  const template = "{% for m in messages %}<|{{ m.role }}|>" +
    "{{ m.content.split('</think>')[-1] }}{% endfor %}" +
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";
  const row = {
    prompt: [{ role: "user", content: "2+2?" }],
    chosen: thinking("add"),
    rejected: thinking("guess"),
  };
  names.push("thoughts that the template leaves out");
  deepStrictEqual(await counts([row], { names, template }), [1, 1]);
});

Deno.test("rows of which the template leaves an answer out cannot be tokenized", async () => {
  const names = ["rows that cannot be tokenized"];
  const template = "{% for m in messages if m.role == 'user' %}" +
    "<|{{ m.role }}|>{{ m.content }}{% endfor %}";
  const answer = [{ role: "assistant", content: "A" }];
  const row = {
    prompt: [{ role: "user", content: "Q" }],
    chosen: answer,
    rejected: answer,
  };
  deepStrictEqual(await counts([row], { names, template }), [1]);
});

Deno.test("plain text is found where the model has a chat template", async () => {
  const names = ["plain text for a model with a chat template"];
  deepStrictEqual(await counts([PAIR], { names }), [0]);
  deepStrictEqual(await counts([PAIR], { names, template: "x" }), [1]);
  const template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
  names.push("rows that cannot be tokenized");
  deepStrictEqual(
    await counts([PAIR, { ...PAIR, prompt: " " }], {
      ...{ names, template, applied: true },
    }),
    [0, 1],
  );
});

Deno.test("columns, values and ties that do not reach training are found", async () => {
  const names = ["columns that are not read", "values that are left out"];
  const row = { ...PAIR, id: "a", ["score_chosen"]: 1 };
  deepStrictEqual(await counts([row, { ...PAIR, id: "b" }], { names }), [2, 1]);
});
