import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { readGguf } from "lib/models/gguf/gguf_file.ts";
import { Metadata, type MetadataValue } from "lib/models/gguf/metadata.ts";
import { tokenizerFiles } from "lib/models/gguf/tokenizer.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { expected, ggufFile } from "./fixture.ts";

/** Ids of each text, by tokenizers, sentencepiece: the original libraries. */
interface Tokenizers {
  readonly texts: readonly string[];
  /** By how text is split into words. */
  readonly byteLevel: Readonly<Record<string, number[][]>>;
  /** By file; each begins with BOS. */
  readonly sentencePiece: Readonly<Record<string, number[][]>>;
}

const { texts, byteLevel, sentencePiece } = expected<Tokenizers>("tokenizers");

type Fields = Readonly<Record<string, MetadataValue>>;

/** The files of a fixture's tokenizer, with fields replaced. */
async function filesOf(name: string, fields: Fields = {}) {
  const { path, metadata: { values } } = await readGguf(ggufFile(name));
  const changed = new Map([...values, ...Object.entries(fields)]);
  return tokenizerFiles(new Metadata(path, changed), 600);
}

/** The tokenizer of a fixture, with fields replaced. */
async function tokenizerOf(name: string, fields?: Fields): Promise<Tokenizer> {
  const { files } = await filesOf(name, fields);
  using folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder.path}/${name}`, JSON.stringify(content));
  }
  return (await loadTokenizer(folder.path))!;
}

for (const [pre, ids] of Object.entries(byteLevel)) {
  Deno.test(`text is split as ${pre} splits it`, async () => {
    const tokenizer = await tokenizerOf("byte_level", {
      "tokenizer.ggml.pre": pre,
    });
    texts.forEach((text, i) =>
      deepStrictEqual(tokenizer.encode(text), ids[i], text)
    );
    texts.forEach((text, i) => {
      // Normalized characters do not come back.
      if (!["mpt", "qwen2"].includes(pre)) {
        strictEqual(tokenizer.decode(ids[i]!), text);
      }
    });
  });
}

for (const [name, ids] of Object.entries(sentencePiece)) {
  Deno.test(`${name} has the ids that SentencePiece has`, async () => {
    const tokenizer = await tokenizerOf(name);
    texts.forEach((text, i) =>
      deepStrictEqual(tokenizer.encode(text), ids[i], text)
    );
    texts.forEach((text, i) => {
      // The decoding library drops these bytes as a byte-order mark.
      if (text.startsWith("\ufeff")) return;
      strictEqual(tokenizer.decode(ids[i]!.slice(1)), text);
    });
  });
}

Deno.test("all tokens that end a text or an answer are named, each once", async () => {
  const eos = { "tokenizer.ggml.eos_token_id": 3 };
  const idsOf = async (fields: Fields) =>
    (await filesOf("byte_level", { ...eos, ...fields })).ids["eos_token_id"];
  strictEqual(await idsOf({ "tokenizer.ggml.eot_token_id": 3 }), 3);
  deepStrictEqual(
    await idsOf({
      "tokenizer.ggml.eot_token_id": 5,
      "tokenizer.ggml.eom_token_id": 4,
    }),
    [3, 5, 4],
  );
});

/** The fault → the fixture, its fields, and the error's end. */
const WRONG: Readonly<
  Record<string, [name: string, fields: Record<string, MetadataValue>, RegExp]>
> = {
  "another kind of tokenizer": [
    "byte_level",
    { "tokenizer.ggml.model": "bert" },
    /"tokenizer\.ggml\.model" is "bert", expected one of gpt2, llama$/,
  ],
  "words split in an unknown way": [
    "byte_level",
    { "tokenizer.ggml.pre": "superbpe" },
    /"tokenizer\.ggml\.pre" is "superbpe", expected one of gpt-2, /,
  ],
  "a merge of three": [
    "byte_level",
    { "tokenizer.ggml.merges": ["a b", "a b c"] },
    /"tokenizer\.ggml\.merges" is a list of 2, expected two tokens with a space between, found "a b c" at 1$/,
  ],
  "merges of numbers": [
    "byte_level",
    { "tokenizer.ggml.merges": Int32Array.of(1) },
    /"tokenizer\.ggml\.merges" is a list of 1, expected a list of texts$/,
  ],
  "more tokens than the model": [
    "byte_level",
    { "tokenizer.ggml.tokens": Array(601).fill("a") },
    /"tokenizer\.ggml\.tokens" is a list of 601, expected no more than the model's 600$/,
  ],
  "a token twice": [
    "byte_level",
    {
      "tokenizer.ggml.tokens": ["a", "b", "a"],
      "tokenizer.ggml.token_type": Int32Array.of(1, 1, 1),
    },
    /expected no text twice, as ids 0 and 2 have it$/,
  ],
  "too few kinds": [
    "byte_level",
    { "tokenizer.ggml.token_type": Int32Array.of(1) },
    /"tokenizer\.ggml\.token_type" is a list of 1, expected a list of \d+ numbers$/,
  ],
  "a special token past the last": [
    "byte_level",
    { "tokenizer.ggml.eos_token_id": 600 },
    /"tokenizer\.ggml\.eos_token_id" is 600, expected a whole number below \d+$/,
  ],
  "a special token that is a gap": [
    "byte_level",
    { "tokenizer.ggml.eos_token_id": 424 },
    /"tokenizer\.ggml\.tokens" is a list of 425, expected a token with id 424$/,
  ],
  "scores that are texts": [
    "sentence_piece",
    { "tokenizer.ggml.scores": ["1"] },
    /"tokenizer\.ggml\.scores" is a list of 1, expected a list of 420 numbers$/,
  ],
};

for (const [what, [name, fields, error]] of Object.entries(WRONG)) {
  Deno.test(`a tokenizer with ${what} is refused`, async () => {
    await rejects(tokenizerOf(name, fields), error);
  });
}

Deno.test("BOS and EOS are put where the file says so", async () => {
  const tokenizer = await tokenizerOf("byte_level", {
    "tokenizer.ggml.add_bos_token": true,
    "tokenizer.ggml.add_eos_token": true,
    "tokenizer.ggml.bos_token_id": 7,
  });
  const bare = tokenizer.encode("a", { addSpecialTokens: false });
  deepStrictEqual(tokenizer.encode("a"), [7, ...bare, tokenizer.eosId]);
});
