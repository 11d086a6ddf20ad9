import { deepStrictEqual, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { encodePrompt, readPrompts } from "lib/data/tokenize/prompts.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { openRows } from "lib/data/open_rows.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { bytes, withByteTokenizer } from "../byte_tokenizer.ts";

const TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
  "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
const question = { role: "user", content: "Hi" };
const answer = { role: "assistant", content: "Yo" };

async function reading(name: string, content: string) {
  using folder = temporaryFolder();
  const path = join(folder.path, name);
  await Deno.writeTextFile(path, content);
  const prompts = await readPrompts(path);
  return prompts.map((prompt) => ({
    ...prompt,
    location: prompt.location.slice(folder.path.length + 1),
  }));
}

async function withTemplate(
  template: string | null,
  check: (tokenizer: Tokenizer) => void,
): Promise<void> {
  const config = template === null
    ? {}
    : Object.fromEntries([["chat_template", template]]);
  await withByteTokenizer({ config }, async (folder) => {
    check((await loadTokenizer(folder))!);
  });
}

Deno.test("readPrompts() takes the lines of a text file that are not blank", async () => {
  deepStrictEqual(await reading("a.txt", "One \r\n\n  two\n"), [
    { content: "One ", location: "a.txt, line 1" },
    { content: "  two", location: "a.txt, line 3" },
  ]);
});

Deno.test("readPrompts() takes prompts of rows, and conversations up to the last answer", async () => {
  const rows = [
    { prompt: "One", chosen: "a", rejected: "b" },
    { prompt: [question] },
    { messages: [question, answer, question] },
    { messages: [question, answer] },
  ];
  const text = rows.map((row) => JSON.stringify(row)).join("\n");
  deepStrictEqual(await reading("a.jsonl", text), [
    { content: "One", location: "a.jsonl, line 1", plain: true },
    { content: [question], location: "a.jsonl, line 2" },
    { content: [question, answer, question], location: "a.jsonl, line 3" },
    { content: [question], location: "a.jsonl, line 4" },
  ]);
});

const SYSTEM = { role: "system", content: "Be brief." };

Deno.test("readPrompts() sees the rows that training sees, for every layout", async () => {
  const rows: Record<string, unknown>[] = [
    { system: SYSTEM.content, prompt: [question], ...sides([answer]) },
    { system: SYSTEM.content, prompt: "Hi", ...sides("Yo") },
    { prompt: "Hi", ...sides(" Yo") },
    { ...sides([question, answer]) },
    { instruction: "Hi", input: "there", ...sides("Yo") },
    { question: "Hi", ...sides("Yo") },
    { messages: [question, answer], label: true },
    { messages: [question, answer], ["rejected_response"]: "No" },
    {
      prompt: [question],
      ...sides([answer]),
      tools: [{ name: "f" }],
      ["chat_template_kwargs"]: { mood: "sad" },
    },
    { ...sides("\n\nHuman: Hi\n\nAssistant: Yo") },
  ];
  for (const row of rows) {
    const [prompt] = await reading("a.jsonl", JSON.stringify(row));
    await using reader = await openRows({ name: "a", rows: [row] });
    for await (
      const { form, prompt: content, tools, templateOptions } of reader.rows()
    ) {
      deepStrictEqual(prompt, {
        content,
        location: "a.jsonl, line 1",
        ...form === "text" && { plain: true },
        ...tools && { tools },
        ...templateOptions && { templateOptions },
      });
    }
  }
});

function sides(chosen: unknown) {
  const rejected = typeof chosen === "string" ? `${chosen}!` : [
    ...(chosen as unknown[]).slice(0, -1),
    { role: "assistant", content: "No" },
  ];
  return { chosen, rejected };
}

Deno.test("readPrompts() reads a system message beside a prompt alone, and leaves ties out", async () => {
  const rows = [
    { system: SYSTEM.content, prompt: "Hi" },
    { ["system_prompt"]: SYSTEM.content, messages: [question, answer] },
    {
      history: "Hi",
      ["human_ref_A"]: "a",
      ["human_ref_B"]: "b",
      labels: "none",
    },
  ];
  const text = rows.map((row) => JSON.stringify(row)).join("\n");
  deepStrictEqual(
    (await reading("a.jsonl", text)).map(({ content }) => content),
    [[SYSTEM, question], [SYSTEM, question]],
  );
});

Deno.test("readPrompts() says what is wrong with a file", async () => {
  await rejects(reading("a.txt", " \n"), /a.txt: expected lines of text/);
  await rejects(
    reading("a.jsonl", '{"prompt":"x"}\n{"text":"x"}'),
    /a.jsonl, line 2: expected "prompt" to be text or messages/,
  );
  await rejects(readPrompts("/none.txt"), /Cannot read \/none.txt: No such/);
});

Deno.test("encodePrompt() gives text the BOS, and no end", async () => {
  await withTemplate(null, (tokenizer) => {
    const prompt = { content: "Hi", location: "here" };
    const ids = encodePrompt(prompt, tokenizer, { chat: false });
    deepStrictEqual(ids, [0, ...bytes("Hi")]);
  });
});

Deno.test("encodePrompt() makes text a turn of the user, and the system speaks once", async () => {
  await withTemplate(TEMPLATE, (tokenizer) => {
    const asked = [2, ...bytes("Hi"), 3];
    const encode = (
      content: Parameters<typeof encodePrompt>[0]["content"],
      system?: string,
    ) =>
      encodePrompt({ content, location: "here" }, tokenizer, {
        chat: true,
        system,
      });
    deepStrictEqual(encode("Hi"), asked);
    deepStrictEqual(encode([question]), asked);
    const system = [...bytes("<|system|>Be"), ...asked];
    deepStrictEqual(encode("Hi", "Be"), system);
    const own = [{ role: "system", content: "Be" }, question];
    deepStrictEqual(encode(own, "Other"), system);
  });
});

Deno.test("encodePrompt() tells the template what it is told", async () => {
  await withTemplate("{{ mood }}{{ messages[0].content }}", (tokenizer) => {
    const prompt = { content: "Hi", location: "here" };
    const asking = { chat: true, templateOptions: { mood: "sad" } };
    deepStrictEqual(encodePrompt(prompt, tokenizer, asking), bytes("sadHi"));
  });
});

Deno.test("encodePrompt() needs a chat template for messages", async () => {
  await withTemplate(null, (tokenizer) => {
    const prompt = { content: [question], location: "a.jsonl, line 1" };
    throws(
      () => encodePrompt(prompt, tokenizer, { chat: false }),
      /a.jsonl, line 1: messages need a chat template/,
    );
  });
});
