import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { BoundaryError } from "lib/data/tokenize/split_conversation.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import { BOUNDARIES, type Boundary } from "lib/data/tokenize/tokenize_spans.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { Rng } from "lib/rng.ts";
import {
  type ByteTokenizerOptions,
  withByteTokenizer,
} from "./byte_tokenizer.ts";

const LETTERS = ["a", "b", "c", " ", "\n", "!"];
const TOKENIZERS = 12;
const ROWS = 40;

/** Words of the alphabet of byte-level BPE, merged at random, some of merges. */
function randomMerges(rng: Rng): [string, string][] {
  const words = ["a", "b", "c", "Ġ", "Ċ", "!"];
  return Array.from({ length: 1 + rng.integer(20) }, () => {
    const pick = () => words[rng.integer(words.length)]!;
    const merge: [string, string] = [pick(), pick()];
    words.push(merge.join(""));
    return merge;
  }).filter((merge, i, all) =>
    all.findIndex((other) => other.join("") === merge.join("")) === i
  );
}

function randomOptions(rng: Rng): ByteTokenizerOptions {
  return {
    merges: randomMerges(rng),
    bos: rng.integer(2) === 0,
    ...rng.integer(2) === 0 && {
      preTokenizer: { type: "Digits", individual_digits: true },
    },
  };
}

function randomText(rng: Rng, longest: number): string {
  const length = 1 + rng.integer(longest);
  return Array.from({ length }, () => LETTERS[rng.integer(LETTERS.length)])
    .join("");
}

/** What a boundary policy makes of a random row, held to the text. */
function checkRow(
  tokenizer: Tokenizer,
  { boundary, rng }: { boundary: Boundary; rng: Rng },
): "cut" | "refused" {
  const prompt = randomText(rng, 6);
  const texts = [randomText(rng, 6), randomText(rng, 3)];
  const ids = (text: string) =>
    tokenizer.encode(text, { addSpecialTokens: false });
  const spanned = texts.some((text) => {
    const apart = [...ids(prompt), ...ids(text)];
    return ids(prompt + text).join() !== apart.join();
  });
  const row = {
    ...{ location: "random", form: "text" as const },
    ...{ prompt, completions: texts },
  };
  let found: ReturnType<typeof encodeRow>;
  try {
    found = encodeRow(row, tokenizer, { boundary });
  } catch (error) {
    ok((error as Error).cause instanceof BoundaryError, String(error));
    ok(spanned && ["drop", "error"].includes(boundary));
    return "refused";
  }
  strictEqual(found.boundaryShifted, spanned);
  strictEqual(found.lossMask, undefined);
  const { length } = tokenizer.prefix;
  deepStrictEqual(found.prompt.slice(0, length), tokenizer.prefix);
  for (const [i, completion] of found.completions.entries()) {
    strictEqual(completion.at(-1), tokenizer.eosId);
    const whole = [...found.prompt.slice(length), ...completion.slice(0, -1)];
    strictEqual(tokenizer.decode(whole), prompt + texts[i]!);
    if (boundary !== "separate") deepStrictEqual(whole, ids(prompt + texts[i]));
  }
  if (boundary === "separate") {
    deepStrictEqual(found.prompt.slice(length), ids(prompt));
  }
  return "cut";
}

for (const boundary of BOUNDARIES) {
  Deno.test(`ids of random texts by random tokenizers say the text, boundary ${boundary}`, async () => {
    const counts = { cut: 0, refused: 0 };
    for (let n = 0; n < TOKENIZERS; n++) {
      const rng = new Rng(n).split(boundary);
      await withByteTokenizer(randomOptions(rng), async (folder) => {
        const tokenizer = (await loadTokenizer(folder))!;
        for (let i = 0; i < ROWS; i++) {
          counts[checkRow(tokenizer, { boundary, rng })]++;
        }
      });
    }
    ok(counts.cut > 100, `${counts.cut} rows`);
    strictEqual(counts.refused > 20, ["drop", "error"].includes(boundary));
  });
}
