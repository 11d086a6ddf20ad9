import {
  deepStrictEqual,
  match,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { convertGguf } from "lib/models/gguf/convert_gguf.ts";
import { readGguf } from "lib/models/gguf/gguf_file.ts";
import { ggufFolder } from "lib/models/gguf/gguf_folder.ts";
import { openModel } from "lib/models/open_model.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { leftover } from "../../files/leftover.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { elementsOf, ggufFile } from "./fixture.ts";
import {
  entry,
  field,
  float32,
  numberField,
  rawGguf,
  text,
  textField,
  uint32,
  uint64,
} from "./raw_gguf.ts";

/** A hash that no file has. */
const sha256 = "0".repeat(64);

const LLAMA = [
  textField("general.architecture", "llama"),
  numberField("llama.block_count", 1),
  numberField("llama.context_length", 8),
  numberField("llama.embedding_length", 4),
  numberField("llama.feed_forward_length", 4),
  numberField("llama.attention.head_count", 2),
  field("llama.attention.layer_norm_rms_epsilon", 6, float32(1e-5)),
];

const EMBEDDING = entry("token_embd.weight", { sizes: [4, 8] });

const namesIn = (folder: string) =>
  Array.from(Deno.readDirSync(folder), ({ name }) => name).toSorted();

Deno.test("a GGUF file becomes the folder of a model, once", async () => {
  using cache = temporaryFolder();
  const path = ggufFile("llama");
  const seen: number[] = [];
  const options = {
    sha256,
    cache: `${cache.path}/gguf`,
    onBytes: (bytes: number, total: number) => seen.push(bytes / total),
  };
  const folder = await ggufFolder(path, options);
  deepStrictEqual(namesIn(folder), [
    "config.json",
    "generation_config.json",
    "model.safetensors",
  ]);
  strictEqual(seen[0], 0);
  strictEqual(seen.at(-1), 1);
  const { weights } = await openModel(folder);
  for (const conversion of convertGguf(await readGguf(path)).weights) {
    deepStrictEqual(
      await weights.read(conversion.name),
      elementsOf(path, conversion),
    );
  }
  const calls = seen.length;
  strictEqual(await ggufFolder(path, options), folder);
  strictEqual(seen.length, calls);
});

Deno.test("halves stay halves, and caps are no whole numbers", async () => {
  using cache = temporaryFolder();
  const convert = (name: string) =>
    ggufFolder(ggufFile(name), { sha256: name, cache: cache.path });
  for (
    const [name, dtype, called] of [
      ["smollm3", "F16", "float16"],
      ["qwen2", "BF16", "bfloat16"],
    ] as const
  ) {
    const folder = await convert(name);
    const weights = await openWeights(folder);
    strictEqual(weights.get("model.embed_tokens.weight")!.dtype, dtype);
    strictEqual(weights.get("model.norm.weight")!.dtype, "F32");
    const config = await Deno.readTextFile(`${folder}/config.json`);
    strictEqual(JSON.parse(config)["torch_dtype"], called);
  }
  // transformers takes 30.0, and refuses 30.
  const text = await Deno.readTextFile(
    `${await convert("gemma2")}/config.json`,
  );
  match(text, /"attn_logit_softcapping": 50\.0,\n/);
  match(text, /"final_logit_softcapping": 30\.0,\n/);
});

Deno.test("two conversions of a file at once make one folder", async () => {
  using cache = temporaryFolder();
  const options = { sha256, cache: cache.path };
  const folders = await Promise.all([
    ggufFolder(ggufFile("llama"), options),
    ggufFolder(ggufFile("llama"), options),
  ]);
  strictEqual(folders[0], folders[1]);
  deepStrictEqual(namesIn(cache.path), [`${sha256}-1`]);
});

const textsField = (key: string, texts: readonly string[]) =>
  field(key, 9, [
    ...uint32(8),
    ...uint64(texts.length),
    ...texts.flatMap(text),
  ]);

Deno.test("if only the tokenizer is needed, no weight is converted", async () => {
  using cache = temporaryFolder();
  const path = `${cache.path}/x.gguf`;
  const tokens = ["a", "b", "c", "ab", "abc", "</s>", "Ġ", "d"];
  await Deno.writeFile(
    path,
    rawGguf({
      fields: [
        ...LLAMA,
        textField("tokenizer.ggml.model", "gpt2"),
        textField("tokenizer.ggml.pre", "smollm"),
        textsField("tokenizer.ggml.tokens", tokens),
        textsField("tokenizer.ggml.merges", ["a b", "ab c"]),
        numberField("tokenizer.ggml.eos_token_id", 5),
      ],
      entries: [EMBEDDING],
      data: 128,
    }),
  );
  const options = {
    sha256,
    cache: `${cache.path}/gguf`,
    only: "tokenizer",
  } as const;
  const folder = await ggufFolder(path, options);
  deepStrictEqual((await loadTokenizer(folder))!.encode("abcab"), [4, 3]);
  const { files } = convertGguf(await readGguf(path)).tokenizer;
  deepStrictEqual(namesIn(folder), Object.keys(files).toSorted());
  for (const [name, content] of Object.entries(files)) {
    const json = await Deno.readTextFile(`${folder}/${name}`);
    deepStrictEqual(JSON.parse(json), content);
  }
  const whole = `${options.cache}/${sha256}-1`;
  await Deno.mkdir(whole);
  strictEqual(await ggufFolder(path, options), whole);
});

Deno.test("the next conversion removes the files of one that was killed", async () => {
  using cache = temporaryFolder();
  const left = await leftover(`${cache.path}/${sha256}-1`);
  await Deno.mkdir(left);
  await Deno.writeTextFile(`${left}/model.safetensors`, "half");
  await ggufFolder(ggufFile("llama"), { sha256, cache: cache.path });
  deepStrictEqual(namesIn(cache.path), [`${sha256}-1`]);
});

/** The fault of a file that is no model → its parts, and the error. */
const UNSUPPORTED: Readonly<
  Record<string, [Parameters<typeof rawGguf>[0], RegExp]>
> = {
  "another architecture": [
    { fields: [textField("general.architecture", "mamba")] },
    /Cannot read .*: field "general\.architecture" is "mamba", expected one of llama, gemma,/,
  ],
  "a part of a model": [
    { fields: [numberField("split.count", 3)] },
    /field "split\.count" is 3, expected 0 or 1, all that is supported$/,
  ],
  "an adapter": [
    { fields: [textField("general.type", "adapter")] },
    /field "general\.type" is "adapter", expected model, all/,
  ],
  "no embedding": [{ fields: LLAMA }, /: no tensor "token_embd\.weight"$/],
  "experts": [
    {
      fields: [...LLAMA, numberField("llama.expert_count", 8)],
      entries: [EMBEDDING],
      data: 128,
    },
    /field "llama\.expert_count" is 8, expected 0, all that is supported$/,
  ],
  "scaled attention": [
    {
      fields: [...LLAMA, numberField("llama.rope.scaling.attn_factor", 2)],
      entries: [EMBEDDING],
      data: 128,
    },
    /field "llama\.rope\.scaling\.attn_factor" is 2, expected 0 or 1, all/,
  ],
  "scaled frequencies of another kind": [
    {
      fields: [...LLAMA, textField("llama.rope.scaling.type", "longrope")],
      entries: [EMBEDDING],
      data: 128,
    },
    /field "llama\.rope\.scaling\.type" is "longrope", expected none or linear or yarn, all/,
  ],
  "other factors of frequencies": [
    {
      fields: LLAMA,
      entries: [
        EMBEDDING,
        entry("rope_freqs.weight", { sizes: [1], offset: 128 }),
      ],
      data: 132,
    },
    /tensor "rope_freqs\.weight" has 1 factors that are not those of Llama 3\.1/,
  ],
  "heads whose values are longer than their keys": [
    {
      fields: [...LLAMA, numberField("llama.attention.value_length", 4)],
      entries: [EMBEDDING],
      data: 128,
    },
    /field "llama\.attention\.value_length" is 4, expected 2, all/,
  ],
  "heads of an odd length": [
    {
      fields: [
        ...LLAMA,
        numberField("llama.attention.key_length", 3),
        numberField("llama.attention.value_length", 3),
      ],
      entries: [EMBEDDING],
      data: 128,
    },
    /Cannot read config\.json of .*x\.gguf: field "head_dim" is 3, expected an even/,
  ],
  "an unknown tensor": [
    {
      fields: LLAMA,
      entries: [
        EMBEDDING,
        entry("blk.0.ffn_gate_exps.weight", { offset: 128 }),
      ],
      data: 144,
    },
    /tensor "blk\.0\.ffn_gate_exps\.weight" has no place in "llama"$/,
  ],
  "rows that are no whole heads": [
    {
      fields: LLAMA,
      entries: [
        EMBEDDING,
        entry("blk.0.attn_q.weight", { sizes: [4, 3], offset: 128 }),
      ],
      data: 192,
    },
    /Cannot convert .*: tensor "blk\.0\.attn_q\.weight" has 3 rows of F32, expected whole heads of 2$/,
  ],
  "missing tensors": [
    { fields: LLAMA, entries: [EMBEDDING], data: 128 },
    /Cannot convert .*: .*"lm_head|"model\.layers\.0/,
  ],
};

for (const [what, [file, error]] of Object.entries(UNSUPPORTED)) {
  Deno.test(`nothing is made of a GGUF file with ${what}`, async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/x.gguf`;
    await Deno.writeFile(path, rawGguf(file));
    await rejects(ggufFolder(path, { sha256, cache: folder.path }), error);
    deepStrictEqual(namesIn(folder.path), ["x.gguf"]);
  });
}
