import {
  deepStrictEqual,
  notStrictEqual,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { existsSync } from "node:fs";
import type { ChatTemplate } from "lib/data/tokenizer/chat_template.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { shared } from "../../places.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { baseSize, bytes, withByteTokenizer } from "../byte_tokenizer.ts";

const STORIES = shared("models/stories260K");
const MESSAGES = [{ role: "user", content: "U" }];
const BARE = { addSpecialTokens: false };

Deno.test("loadTokenizer() knows special ids, vocabulary size and what stands before a text", () =>
  withByteTokenizer({ merges: [["a", "b"]] }, async (folder) => {
    const tokenizer = (await loadTokenizer(folder))!;
    strictEqual(tokenizer.bosId, 0);
    strictEqual(tokenizer.eosId, 1);
    strictEqual(tokenizer.padId, null);
    strictEqual(tokenizer.vocabularySize, baseSize + 1);
    deepStrictEqual(tokenizer.prefix, [0]);
    strictEqual(tokenizer.chatTemplate, null);
  }));

Deno.test("encode() merges, reads special tokens and adds BOS when asked", () =>
  withByteTokenizer({ merges: [["a", "b"]] }, async (folder) => {
    const { encode } = (await loadTokenizer(folder))!;
    deepStrictEqual(encode("cab"), [0, ...bytes("c"), baseSize]);
    deepStrictEqual(encode("c</s>d", BARE), [...bytes("c"), 1, ...bytes("d")]);
    deepStrictEqual(encode("", BARE), []);
  }));

Deno.test("decode() gives text back, with or without special tokens", () =>
  withByteTokenizer({}, async (folder) => {
    const { decode, encode } = (await loadTokenizer(folder))!;
    const ids = encode("It 's , a test .\n</s>");
    strictEqual(decode(ids), "<s>It 's , a test .\n</s>");
    strictEqual(
      decode(ids, { skipSpecialTokens: true }),
      "It 's , a test .\n",
    );
    strictEqual(decode([]), "");
  }));

Deno.test("decode() gives nothing for ids that only an embedding has", () =>
  withByteTokenizer({}, async (folder) => {
    const { decode, encode } = (await loadTokenizer(folder))!;
    const [a, b] = ["a", "b"].map((text) => encode(text, BARE));
    strictEqual(decode([...a!, 100_000, ...b!]), "ab");
  }));

Deno.test("encode() splits every numeral of Unicode where a tokenizer splits digits", () =>
  withByteTokenizer({
    merges: [["Ġ", "Â"], ["1", "2"]],
    preTokenizer: { type: "Digits", individual_digits: true },
  }, async (folder) => {
    const { encode } = (await loadTokenizer(folder))!;
    // "½" is two bytes; " " would merge with the first if it were no numeral.
    deepStrictEqual(encode("12 ½", BARE), bytes("12 Â½"));
  }));

Deno.test("loadTokenizer() reads special tokens given as objects or in special_tokens_map.json", () => {
  const config = Object.fromEntries([
    ["bos_token", undefined],
    ["eos_token", { content: "<|user|>" }],
  ]);
  return withByteTokenizer({ bos: false, config }, async (folder) => {
    const map = '{"bos_token": "<|assistant|>", "pad_token": "</s>"}';
    await Deno.writeTextFile(`${folder}/special_tokens_map.json`, map);
    const tokenizer = (await loadTokenizer(folder))!;
    strictEqual(tokenizer.bosId, 3);
    strictEqual(tokenizer.eosId, 2);
    strictEqual(tokenizer.padId, 1);
    deepStrictEqual(tokenizer.prefix, []);
  });
});

Deno.test("loadTokenizer() finds a chat template in each of its places, the jinja file first", () =>
  withByteTokenizer({}, async (folder) => {
    const rendered = async () =>
      (await loadTokenizer(folder))!.chatTemplate!.render(MESSAGES, {
        addGenerationPrompt: false,
      });
    const write = (name: string, text: string) =>
      Deno.writeTextFile(`${folder}/${name}`, text);
    await write(
      "chat_template.json",
      '{"chat_template": "json{{ bos_token }}"}',
    );
    strictEqual(await rendered(), "json<s>");
    await write("tokenizer_config.json", '{"chat_template": "config"}');
    strictEqual(await rendered(), "config");
    await write("chat_template.jinja", "{{ messages[0].content }}");
    strictEqual(await rendered(), "U");
  }));

/** Writes files of additional_chat_templates. */
async function putTemplates(
  folder: string,
  templates: Record<string, string>,
): Promise<void> {
  const place = `${folder}/additional_chat_templates`;
  await Deno.mkdir(place, { recursive: true });
  for (const [name, text] of Object.entries(templates)) {
    await Deno.writeTextFile(`${place}/${name}`, text);
  }
}

Deno.test("loadTokenizer() reads named templates, and chooses as transformers does", () =>
  withByteTokenizer({}, async (folder) => {
    const rendered = async (
      options: Partial<Parameters<ChatTemplate["render"]>[1]> = {},
    ) =>
      (await loadTokenizer(folder))!.chatTemplate!.render(MESSAGES, {
        addGenerationPrompt: false,
        ...options,
      });
    const tools = [{ name: "clock" }];
    await Deno.writeTextFile(
      `${folder}/tokenizer_config.json`,
      '{"chat_template": "config"}',
    );
    await putTemplates(folder, {
      "tool_use.jinja": "tools {{ tools | length }}",
      "rag.jinja": "rag{{ eos_token is defined }}",
      "notes.txt": "not a template",
    });
    strictEqual(await rendered({ tools }), "tools 1");
    await rejects(() => rendered(), {
      message: `Cannot render the chat template of ${folder}/` +
        `additional_chat_templates: there is none named "default", ` +
        "expected rag or tool_use",
    });
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, "plain");
    strictEqual(await rendered(), "plain");
    strictEqual(await rendered({ tools }), "tools 1");
    strictEqual(await rendered({ tools: [] }), "tools 0");
    strictEqual(await rendered({ templateName: "rag" }), "ragFalse");
    strictEqual(await rendered({ tools, templateName: "default" }), "plain");
    await rejects(() => rendered({ templateName: "none" }), {
      message:
        /there is none named "none", expected default or rag or tool_use/,
    });
    await putTemplates(folder, { "default.jinja": "named" });
    strictEqual(await rendered(), "named");
  }));

Deno.test("the hash of a tokenizer changes with each named template", () =>
  withByteTokenizer({}, async (folder) => {
    const hash = async () => (await loadTokenizer(folder))!.hash;
    const hashes = [await hash()];
    await putTemplates(folder, { "notes.txt": "no template" });
    strictEqual(await hash(), hashes[0]);
    for (const text of ["a", "b"]) {
      await putTemplates(folder, { "tool_use.jinja": text });
      hashes.push(await hash());
    }
    await putTemplates(folder, { "rag.jinja": "b" });
    hashes.push(await hash());
    strictEqual(new Set(hashes).size, 4);
  }));

Deno.test("named templates that a link leads to from elsewhere are refused", async () => {
  for (const isFolder of [false, true]) {
    await withByteTokenizer({}, async (folder) => {
      using elsewhere = temporaryFolder();
      await putTemplates(elsewhere.path, { "tool_use.jinja": "secret" });
      const theirs = `${elsewhere.path}/additional_chat_templates`;
      const ours = `${folder}/additional_chat_templates`;
      if (isFolder) await Deno.symlink(theirs, ours);
      else {
        await Deno.mkdir(ours);
        await Deno.symlink(
          `${theirs}/tool_use.jinja`,
          `${ours}/tool_use.jinja`,
        );
      }
      await rejects(() => loadTokenizer(folder), {
        message: new RegExp(
          `^Cannot use ${ours}/tool_use\\.jinja: expected a file in the ` +
            "folder, found a link to ",
        ),
      });
    });
  }
});

Deno.test("the hash of a tokenizer changes with its template and stays otherwise", () =>
  withByteTokenizer({}, async (folder) => {
    const hash = async () => (await loadTokenizer(folder))!.hash;
    const before = await hash();
    strictEqual(before.length, 64);
    strictEqual(await hash(), before);
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, "x");
    notStrictEqual(await hash(), before);
  }));

Deno.test("loadTokenizer() is null for a folder without tokenizer.json", async () => {
  strictEqual(await loadTokenizer("nowhere"), null);
});

Deno.test("loadTokenizer() names the folder and the file that it cannot use", () =>
  withByteTokenizer({}, async (folder) => {
    await Deno.writeTextFile(`${folder}/tokenizer.json`, "{]");
    await rejects(loadTokenizer(folder), {
      message: `Cannot load the tokenizer of ${folder}: tokenizer.json: ` +
        "Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    });
    await Deno.writeTextFile(`${folder}/tokenizer.json`, "{}");
    await rejects(loadTokenizer(folder), {
      message: `Cannot load the tokenizer of ${folder}: tokenizer.json: ` +
        'Tokenizer must contain a "model" property',
    });
  }));

Deno.test({
  name:
    "loadTokenizer() gives the ids of the original library (needs ../shared)",
  ignore: !existsSync(STORIES),
  // Ids by Python's tokenizers 0.23.
  fn: async () => {
    const { encode, decode } = (await loadTokenizer(STORIES))!;
    deepStrictEqual(encode("Once upon a time"), [1, 403, 407, 261, 378]);
    const text = "It's 2025, naïve café — 日\n\n  x = 1";
    strictEqual(decode(encode(text), { skipSpecialTokens: true }), text);
    deepStrictEqual(encode("a </s> b"), [1, 261, 410, 2, 410, 268]);
    strictEqual(decode([1, 403, 407, 261, 378]), "<s> Once upon a time");
  },
});
