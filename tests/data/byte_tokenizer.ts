import { join } from "node:path";

/** Settings of {@linkcode writeByteTokenizer}. */
export interface ByteTokenizerOptions {
  /** Merges, first ones first, in the alphabet of byte-level BPE (`Ġ` is a space). */
  merges?: [string, string][];
  /** Whether texts get `<s>` in front. */
  bos?: boolean;
  /** A step before byte-level splitting. */
  preTokenizer?: Record<string, unknown>;
  /** More fields of tokenizer_config.json. */
  config?: Record<string, unknown>;
}

const SPECIAL = ["<s>", "</s>", "<|user|>", "<|assistant|>"];
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String.fromCharCode(from + i));
/** Byte-level BPE's alphabet, without most control characters. */
const ALPHABET = [
  "Ċ",
  "Ġ",
  ...range(33, 127),
  ...range(161, 173),
  ...range(174, 256),
];

/** How many ids there are before the merges. */
export const baseSize = SPECIAL.length + ALPHABET.length;

/** Ids of text without special tokens, where no merge applies. */
export function bytes(text: string): number[] {
  const alphabet = text.replaceAll("\n", "Ċ").replaceAll(" ", "Ġ");
  return [...alphabet].map((c) => SPECIAL.length + ALPHABET.indexOf(c));
}

/**
 * Writes a model folder with a byte-level BPE: ids 0 to 3 are `<s>`, `</s>`,
 * `<|user|>`, `<|assistant|>`; bytes follow, then the merges.
 */
export async function writeByteTokenizer(
  folder: string,
  { merges = [], bos = true, preTokenizer, config = {} }: ByteTokenizerOptions =
    {},
): Promise<void> {
  const words = [...SPECIAL, ...ALPHABET, ...merges.map((m) => m.join(""))];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const single = [
    { SpecialToken: { id: "<s>", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
  ];
  const pair = [
    ...single,
    { SpecialToken: { id: "</s>", type_id: 0 } },
    { Sequence: { id: "B", type_id: 1 } },
  ];
  const write = (name: string, value: unknown) =>
    Deno.writeTextFile(join(folder, name), JSON.stringify(value));
  await write("tokenizer.json", {
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        ...preTokenizer ? [preTokenizer] : [],
        { type: "ByteLevel", add_prefix_space: false },
      ],
    },
    post_processor: bos ? { type: "TemplateProcessing", single, pair } : null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges },
  });
  await write("tokenizer_config.json", {
    bos_token: "<s>",
    eos_token: "</s>",
    ...config,
  });
}

/** Runs a check in a folder with such a tokenizer. */
export async function withByteTokenizer(
  options: ByteTokenizerOptions,
  check: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await writeByteTokenizer(folder, options);
    await check(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
