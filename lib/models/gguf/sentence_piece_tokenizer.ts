import {
  idsByText,
  KINDS,
  type Token,
  type TokenizerParts,
  type Vocabulary,
} from "./vocabulary.ts";

/** What stands for a space in SentencePiece's tokens. */
const SPACE = "▁";

/** What a file that names none has, as llama.cpp has it. */
const DEFAULT_IDS = { bos: 1, eos: 2, unknown: 0 };

/** Kinds that text is made of. */
const PIECES: readonly number[] = [KINDS.normal, KINDS.userDefined];

/**
 * SentencePiece's byte-pair encoding, where tokens have scores and characters
 * without a token are bytes, as a table of merges.
 *
 * @throws Error for a field that is missing or wrong.
 */
export function sentencePieceTokenizer(
  vocabulary: Vocabulary,
): TokenizerParts {
  const { fields, special } = vocabulary;
  const tokens = withSpaceMarks(vocabulary.tokens);
  const unknown = special.unknown ?? DEFAULT_IDS.unknown;
  return {
    tokens,
    special: {
      ...special,
      bos: special.bos ?? DEFAULT_IDS.bos,
      eos: special.eos ?? DEFAULT_IDS.eos,
      unknown,
    },
    addsBos: true,
    ...spaces(fields.flag("add_space_prefix", true)),
    preTokenizer: null,
    model: {
      type: "BPE",
      dropout: null,
      "unk_token": tokens.find(({ id }) => id === unknown)?.text ?? null,
      "continuing_subword_prefix": null,
      "end_of_word_suffix": null,
      "fuse_unk": true,
      "byte_fallback": true,
      "ignore_merges": false,
      vocab: idsByText(tokens),
      merges: mergesOf(tokens, scoresOf(vocabulary)),
    },
  };
}

/** @param prefixes whether a text begins with a space that it does not have. */
function spaces(
  prefixes: boolean,
): Pick<TokenizerParts, "normalizer" | "decoder"> {
  const [prefix, strip] = prefixes
    ? [
      [{ type: "Prepend", prepend: SPACE }],
      [{ type: "Strip", content: " ", start: 1, stop: 0 }],
    ]
    : [[], []];
  const replace = { type: "Replace", pattern: literal(" "), content: SPACE };
  const back = { type: "Replace", pattern: literal(SPACE), content: " " };
  return {
    normalizer: { type: "Sequence", normalizers: [...prefix, replace] },
    decoder: {
      type: "Sequence",
      decoders: [back, { type: "ByteFallback" }, { type: "Fuse" }, ...strip],
    },
  };
}

/**
 * Scores by id. Gemma's runs of spaces have none in GGUF; in its vocabulary
 * tokens stand in the order of their scores.
 */
function scoresOf(
  { architecture, fields }: Vocabulary,
): readonly number[] {
  const { length } = fields.texts("tokens");
  const scores = architecture.startsWith("gemma")
    ? Array.from({ length }, (_, id) => -id)
    : fields.numbers("scores", length);
  if (scores) return scores;
  throw fields.error("scores", "a score for each token");
}

/** The conversion to GGUF writes runs of spaces, in Gemma's tokens, as they are. */
function withSpaceMarks(tokens: readonly Token[]): Token[] {
  const taken = new Set(tokens.map(({ text }) => text));
  return tokens.map((token) => {
    const text = token.text.replace(/^ +$/, (run) => SPACE.repeat(run.length));
    return taken.has(text) ? token : { ...token, text };
  });
}

function literal(text: string): Record<string, string> {
  return Object.fromEntries([["String", text]]);
}

interface Merge {
  readonly pair: readonly [left: string, right: string];
  readonly score: number;
  /** Of both tokens, in characters. */
  readonly lengths: readonly [number, number];
}

/**
 * The merges that give what scores give: a pair of tokens is merged where both
 * together are a token, the highest score first. Ties are broken as
 * transformers' `generate_merges` does.
 */
function mergesOf(
  tokens: readonly Token[],
  scores: readonly number[],
): (readonly [string, string])[] {
  const pieces = tokens.filter(({ kind }) => PIECES.includes(kind));
  const ids = new Map(pieces.map(({ id, text }) => [text, id]));
  return pieces
    .flatMap(({ id, text }) => splits(text, { ids, score: scores[id]! }))
    .sort((a, b) =>
      b.score - a.score || b.lengths[0] - a.lengths[0] ||
      b.lengths[1] - a.lengths[1]
    )
    .map(({ pair }) => pair);
}

/** The ways to make a token of two others. */
function splits(
  text: string,
  { ids, score }: { ids: ReadonlyMap<string, number>; score: number },
): Merge[] {
  const characters = [...text];
  const found: Merge[] = [];
  let at = 0;
  for (let length = 1; length < characters.length; length++) {
    at += characters[length - 1]!.length;
    const pair = [text.slice(0, at), text.slice(at)] as const;
    if (!ids.has(pair[0]) || !ids.has(pair[1])) continue;
    found.push({ pair, score, lengths: [length, characters.length - length] });
  }
  return found.sort(({ pair: a }, { pair: b }) =>
    ids.get(a[0])! - ids.get(b[0])! || ids.get(a[1])! - ids.get(b[1])!
  );
}
