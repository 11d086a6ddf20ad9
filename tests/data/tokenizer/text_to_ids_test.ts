import { deepStrictEqual, notDeepStrictEqual } from "node:assert/strict";
import { Tokenizer } from "@huggingface/tokenizers";
import { Rng } from "lib/rng.ts";
import { fixtureTokenizer, MODELS } from "../fixture_models.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { withByteTokenizer } from "../byte_tokenizer.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";

const bare = { addSpecialTokens: false };

Deno.test("parts of a text get no space of their own", async () => {
  for (const model of MODELS) {
    const { encodeParts, decode } = await fixtureTokenizer(model);
    for (
      const parts of [["It is", " so"], ["It is", "n't", " so"], ["a", "", "b"]]
    ) {
      const ids = encodeParts(parts).flat();
      deepStrictEqual(decode(ids).trimStart(), parts.join(""), model);
    }
  }
});

Deno.test("a part after a token is encoded as it is after it in the whole", async () => {
  for (const model of MODELS) {
    const { encode, encodeParts, tokenTexts } = await fixtureTokenizer(model);
    const tokens = ["</s>", "<|im_end|>", "<eos>", "<|eot_id|>", "<|end|>"];
    const token = tokens.find((text) => tokenTexts.specials(text).length > 0)!;
    const parts = [`Yes${token}`, "no"];
    deepStrictEqual(
      encodeParts(parts).flat(),
      encode(parts.join(""), bare),
      model,
    );
  }
});

Deno.test("no token spans parts, whatever the whole has", () =>
  withByteTokenizer({ merges: [["a", "b"]] }, async (folder) => {
    const { encode, encodeParts, decode } = (await loadTokenizer(folder))!;
    const parts = encodeParts(["ca", "bd"]);
    deepStrictEqual(parts.map((ids) => decode(ids)), ["ca", "bd"]);
    notDeepStrictEqual(parts.flat(), encode("cabd", bare));
  }));

Deno.test("a marked special token becomes text, joined with what is around it", async () => {
  for (const model of MODELS) {
    const { decode, encode, tokenTexts } = await fixtureTokenizer(model);
    const tokens = ["</s>", "<|im_end|>", "<eos>", "<|eot_id|>", "<|end|>"];
    const token = tokens.find((text) => tokenTexts.specials(text).length > 0)!;
    const text = `He said ${token}, and ${token}`;
    const ids = encode(tokenTexts.mark(text), bare);
    deepStrictEqual(decode(ids).trimStart(), text);
    // As no id is special, none is left out.
    deepStrictEqual(decode(ids, { skipSpecialTokens: true }).trimStart(), text);
  }
});

Deno.test("ids do not depend on what was encoded before", async () => {
  for (const model of MODELS) {
    const used = await fixtureTokenizer(model);
    const rng = new Rng(model);
    const words = ["the", " cat", "cat", "\n", " ", "é", "🙂", "12", "'s"];
    const texts = Array.from({ length: 50 }, () =>
      Array.from(
        { length: 1 + rng.integer(6) },
        () => words[rng.integer(words.length)]!,
      ).join(""));
    const once = texts.map((text) => used.encode(text));
    const fresh = await fixtureTokenizer(model);
    const again = texts.toReversed().map((text) => fresh.encode(text));
    deepStrictEqual(again.toReversed(), once);
    const ids = used.encode("the cat");
    ids.push(0);
    notDeepStrictEqual(used.encode("the cat"), ids);
  }
});

/** A tokenizer after SentencePiece, some of whose merges may span words. */
function spacedTokenizer(rng: Rng, spans: boolean) {
  const symbols = ["▁", "a", "b", "."];
  const merges: [string, string][] = [];
  while (merges.length < 14) {
    const pick = () => symbols[rng.integer(symbols.length)]!;
    const merge: [string, string] = [pick(), pick()];
    const word = merge.join("");
    if (symbols.includes(word) || (!spans && /[^▁]▁/.test(word))) continue;
    merges.push(merge);
    symbols.push(word);
  }
  const words = ["<unk>", ...symbols];
  const normalizers = [
    { type: "Prepend", prepend: "▁" },
    { type: "Replace", pattern: { String: " " }, content: "▁" },
  ];
  return {
    "added_tokens": [],
    normalizer: { type: "Sequence", normalizers },
    "pre_tokenizer": null,
    "post_processor": null,
    decoder: null,
    model: {
      type: "BPE",
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges,
      "unk_token": "<unk>",
    },
  };
}

for (const spans of [false, true]) {
  const what = spans ? "some merge spans words" : "no merge spans words";
  Deno.test(`texts without word boundaries have the library's ids where ${what}`, async () => {
    using folder = temporaryFolder();
    for (let n = 0; n < 20; n++) {
      const rng = new Rng(n).split(what);
      const json = spacedTokenizer(rng, spans);
      const path = `${folder.path}/tokenizer.json`;
      await Deno.writeTextFile(path, JSON.stringify(json));
      const ours = (await loadTokenizer(folder.path))!;
      const library = new Tokenizer(json, {});
      for (let i = 0; i < 40; i++) {
        const letters = Array.from(
          { length: rng.integer(20) },
          () => ["a", "b", " ", ".", "é"][rng.integer(5)],
        );
        const text = `a${letters.join("")}`;
        deepStrictEqual(ours.encode(text), library.encode(text).ids, text);
      }
    }
  });
}
