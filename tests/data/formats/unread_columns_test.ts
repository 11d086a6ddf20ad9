import { deepStrictEqual, rejects } from "node:assert/strict";
import { openRows } from "lib/data/open_rows.ts";
import { assistant, type Fields, read, user } from "../format_cases.ts";

const TEXTS = {
  prompt: "How old is Ann?",
  chosen: " Five.",
  rejected: " Six.",
};
const CHAT = {
  prompt: [user("How old is Ann?")],
  chosen: [assistant("Five.")],
  rejected: [assistant("Six.")],
};
const RANKS = { prompt: "Add.", completions: ["3", "4", "5"] };

Deno.test("openRows() names the columns that nobody reads, and the rows that fill them", async () => {
  const rows = [
    { ...TEXTS, id: "a", source: "x", note: null, tags: [], gap: NaN },
    { ...TEXTS, id: "b", source: " ", note: {}, score_chosen: 1 },
    { ...TEXTS, id: "c", loss_weight: 1, extra: false },
  ];
  await using reader = await openRows({ name: "d.jsonl", rows });
  await Array.fromAsync(reader.rows());
  deepStrictEqual(
    [...reader.notes.unread],
    [["id", 3], ["source", 1], ["extra", 1]],
  );
  deepStrictEqual([...reader.notes.leftOut], [["score_chosen", 1]]);
});

const CHANGING: [string, unknown, Fields[]][] = [
  ...[
    "image",
    "images",
    "video",
    "videos",
    "audio",
    "audios",
    "image_path",
    "img_urls",
    "question_image",
  ].map((
    name,
  ): [string, unknown, Fields[]] => [name, ["1.jpg"], [TEXTS, CHAT, RANKS]]),
  ...["labels", "ranks", "rankings"].map((
    name,
  ): [string, unknown, Fields[]] => [name, [1, 0, 0], [RANKS]]),
  ["history", [["Hi", "Hello."]], [TEXTS, CHAT, RANKS]],
  ["context", "Ann is 5.", [TEXTS, CHAT]],
  ["document", "Ann is 5.", [TEXTS, CHAT]],
  ["instruction", "Answer in French.", [TEXTS, CHAT]],
  ["system_prompt", "Be brief.", [RANKS]],
  ["tools", [{ name: "f" }], [TEXTS, RANKS]],
];

for (const [name, value, rows] of CHANGING) {
  Deno.test(`openRows() refuses "${name}" by name where it would be lost`, async () => {
    for (const row of rows) {
      await rejects(read([{ ...row, [name]: value }]), {
        message: new RegExp(`row 1: .*"${name}"`),
      });
      const empty = Array.isArray(value) ? [] : "";
      await read([{ ...row, [name]: empty }]);
    }
  });
}

Deno.test("openRows() reads rows without such columns where the format is stated", async () => {
  const row = { ...TEXTS, context: "Ann is 5." };
  const { rows } = await read([row], { format: "trl-pairs" });
  deepStrictEqual(rows, (await read([TEXTS])).rows);
});

Deno.test("openRows() passes over a context that the prompt has already", async () => {
  const prompt = 'Ann said "I am\n5".\nHow old is Ann?';
  const context = 'Ann said "I am\n5".';
  await read([{ ...TEXTS, prompt, context }]);
  await read([{ ...CHAT, prompt: [user(prompt)], context }]);
});

Deno.test("openRows() reads a system prompt under its usual names", async () => {
  for (
    const name of [
      "system",
      "system_prompt",
      "system_message",
      "system_instruction",
    ]
  ) {
    const { rows: [row] } = await read([{ ...CHAT, [name]: "Be brief." }]);
    deepStrictEqual(row?.prompt, [
      { role: "system", content: "Be brief." },
      ...CHAT.prompt,
    ]);
  }
});

Deno.test("openRows() reads a row's options of the chat template, as TRL does", async () => {
  const options = { ["enable_thinking"]: false };
  for (
    const written of [
      options,
      JSON.stringify(options),
      "{'enable_thinking': False}",
      { ...options, other: null },
    ]
  ) {
    const row = { ...CHAT, ["chat_template_kwargs"]: written };
    const { rows: [found] } = await read([row]);
    deepStrictEqual(found?.templateOptions, options);
  }
  await rejects(read([{ ...CHAT, chat_template_kwargs: 5 }]), {
    message:
      /expected "chat_template_kwargs" to be an object of options of the chat template, found 5/,
  });
});
