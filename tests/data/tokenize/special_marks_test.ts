import { deepStrictEqual, ok } from "node:assert/strict";
import { recogniseFormat } from "lib/data/formats/registry.ts";
import type { EncodeOptions } from "lib/data/tokenize/encode_options.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import type { EncodedRow } from "lib/data/tokenize/tokenize_spans.ts";
import { toolForms } from "lib/data/tokenize/tool_forms.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { Rng } from "lib/rng.ts";
import { withByteTokenizer } from "../byte_tokenizer.ts";
import { fixtureTokenizer, MODELS, readFixture } from "../fixture_models.ts";
import { ALLOWED, randomConversations } from "./random_conversations.ts";

const ROWS = 30;

/** Special tokens of the tokenizer of bytes. */
const TOKENS = ["<s>", "</s>", "<|user|>", "<|assistant|>"];

/** Texts that templates look for in contents, and blanks. */
const TAGS = [
  "<think>",
  "</think>",
  "<tool_call>",
  "</tool_response>",
  "[INST]",
  "tool_call",
  " x",
  "x ",
];

type Fields = ReturnType<typeof randomConversations>["fields"];

for (const model of MODELS) {
  Deno.test(`special tokens in conversations stay text, and ${model}'s template does with them as with other words`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    const specials = tokenizer.tokenTexts.specials(
      readFixture(`templates/${model}.json`),
    );
    const calm = (text: string) =>
      specials.reduce((text, each) => text.replaceAll(each, "(w)"), text);
    const rng = new Rng(model);
    let encoded = 0;
    for (let i = 0; i < ROWS; i++) {
      const { fields } = randomConversations(rng, [...specials, ...TAGS]);
      const plain: Fields = JSON.parse(calm(JSON.stringify(fields)));
      const [found, wanted] = [fields, plain].map((fields) =>
        encode(fields, tokenizer)
      ) as [Encoded, Encoded];
      const given = JSON.stringify(fields);
      deepStrictEqual(found.error, wanted.error, given);
      deepStrictEqual(found.texts.map(calm), wanted.texts.map(calm), given);
      deepStrictEqual(found.specials, wanted.specials, given);
      const written = renderings(plain, tokenizer);
      found.whole.forEach((text, k) =>
        ok(written[k]!.map(calm).includes(calm(text)), given)
      );
      encoded += Number(found.error === "");
    }
    ok(encoded >= ROWS * ALLOWED[model], `${encoded} rows`);
  });
}

/** Templates that read tokens in contents, and how they write a turn. */
const READERS: Record<string, string> = {
  "cuts contents at a token": "{{ m.content.split('</s>')[-1] }}",
  "removes a token": "{{ m.content | replace('<s>', '') }}",
  "asks for one of two tokens":
    "{% if '<s>' in m.content or '</s>' in m.content %}!{% endif %}{{ m.content }}",
  "asks for a token at the beginning":
    "{% if m.content.startswith('<s>') %}!{% endif %}{{ m.content }}",
  "asks for a token in the last turn":
    "{% if loop.last and '</s>' in m.content %}!{% endif %}{{ m.content }}",
  "writes codes for what is not ASCII": "{{ m.content | tojson(true) }}",
  "opens answers with a token that they may begin with":
    "{% if m.role == 'assistant' and not m.content.startswith('<s>') %}<s>{% endif %}{{ m.content }}",
};

for (const [name, said] of Object.entries(READERS)) {
  Deno.test(`a template that ${name} writes and splits rows as if no token were marked`, async () => {
    const opening = said.includes("%}<s>{%") ? "<s>" : "";
    const source =
      `{% for m in messages %}<|{{ m.role }}|>${said}</s>{% endfor %}` +
      `{% if add_generation_prompt %}<|assistant|>${opening}{% endif %}`;
    const config = Object.fromEntries([["chat_template", source]]);
    await withByteTokenizer({ config }, async (folder) => {
      const tokenizer = (await loadTokenizer(folder))!;
      const rng = new Rng(name);
      let [encoded, fewer] = [0, 0];
      for (let i = 0; i < ROWS; i++) {
        const { fields } = randomConversations(rng, TOKENS);
        const [found, wanted] = (["text", "token"] as const).map((specials) =>
          encode(fields, tokenizer, { specials })
        ) as [Encoded, Encoded];
        const given = JSON.stringify(fields);
        deepStrictEqual(found.error, wanted.error, given);
        deepStrictEqual(found.texts, wanted.texts, given);
        encoded += Number(found.error === "");
        fewer += Number(
          found.specials.flat().length < wanted.specials.flat().length,
        );
      }
      ok(encoded >= ROWS / 2, `${encoded} rows`);
      ok(fewer >= encoded / 2, `${fewer} of ${encoded} rows`);
    });
  });
}

interface Encoded {
  /** The reason for which the row is refused; empty where it is not. */
  readonly error: string;
  /** The prompt, each completion, and the scored part of each. */
  readonly texts: readonly string[];
  /**
   * Each completion with its prompt, unless it says nothing or a token spans
   * the boundary.
   */
  readonly whole: readonly string[];
  /** The special tokens of the prompt and of each completion. */
  readonly specials: readonly (readonly number[])[];
}

function encode(
  fields: Fields,
  tokenizer: Tokenizer,
  options: EncodeOptions = {},
): Encoded {
  try {
    const row = encodeRow(parse(fields), tokenizer, options);
    const { prompt, completions, boundaryShifted } = row;
    return {
      error: "",
      texts: [prompt, ...completions, ...scored(row)].map((ids) =>
        tokenizer.decode(ids)
      ),
      whole: completions.map((ids) =>
        boundaryShifted || ids.length === 0
          ? ""
          : tokenizer.decode([...prompt, ...ids])
      ),
      specials: [prompt, ...completions].map((ids) =>
        ids.filter((id) =>
          tokenizer.decode([id], { skipSpecialTokens: true }) === ""
        )
      ),
    };
  } catch (error) {
    const message = (error as Error).message.replace(/"(\\.|[^"\\])*"/g, "…");
    return { error: message, texts: [], whole: [], specials: [] };
  }
}

function parse(fields: Fields) {
  const source = { location: "a row", fields };
  return recogniseFormat(source).parse(source);
}

function scored({ completions, lossMask }: EncodedRow): number[][] {
  return completions.map((ids, k) =>
    ids.filter((_, i) => lossMask?.[k]?.[i] ?? true)
  );
}

/** The texts that a template may make of each completion with its prompt. */
function renderings(fields: Fields, tokenizer: Tokenizer): string[][] {
  const row = parse(fields);
  if (row.form !== "chat") throw new TypeError("expected messages");
  const { prompt, completions, tools } = row;
  const forms = [...toolForms({ prompt, completions, ...tools && { tools } })];
  return completions.map((_, k) => [
    "",
    ...forms.flatMap(({ content, withoutContent }) => {
      try {
        const text = tokenizer.chatTemplate!.render(
          [...content.prompt, ...content.completions[k]!],
          { tools: content.tools, addGenerationPrompt: false, withoutContent },
        );
        const [ids] = tokenizer.encodeParts([text]);
        return [tokenizer.decode(ids!)];
      } catch {
        return [];
      }
    }),
  ]);
}
