import {
  bytePairs,
  KINDS,
  type Token,
  type TokenizerParts,
  type Vocabulary,
} from "./vocabulary.ts";

/** The mark of a space in SentencePiece's tokens. */
const SPACE = "▁";

/** llama.cpp's ids for files that name none. */
const DEFAULT_IDS = { bos: 1, eos: 2, unknown: 0 };

/** Kinds of tokens that merges make. */
const PIECES: readonly number[] = [KINDS.normal, KINDS.userDefined];

/**
 * Converts SentencePiece's byte-pair encoding to a table of merges. Its tokens
 * have scores, and characters without a token are bytes.
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
    model: bytePairs(tokens, {
      merges: mergesOf(tokens, scoresOf(vocabulary)),
      unknown: tokens.find(({ id }) => id === unknown)?.text ?? null,
      fallsBack: true,
      ignoresMerges: false,
    }),
  };
}

/** @param prefixes whether a space is put before a text. */
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
 * Reads scores by id. Gemma's runs of spaces have none in GGUF, and tokens of its
 * vocabulary are in the order of their scores.
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

/** Restores the marks of spaces, which GGUF drops from runs in Gemma's tokens. */
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
  /** Characters of both tokens. */
  readonly lengths: readonly [number, number];
}

/**
 * Finds the merges that are equivalent to scores: a pair of tokens is merged if
 * both together are a token, the highest score first. Ties are broken as in
 * transformers' `generate_merges`.
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

/** Finds the ways to make a token of two others. */
function splits(
  text: string,
  { ids, score }: { ids: ReadonlyMap<string, number>; score: number },
): Merge[] {
  const characters = [...text];
  const merges: Merge[] = [];
  let at = 0;
  for (let length = 1; length < characters.length; length++) {
    at += characters[length - 1]!.length;
    const pair = [text.slice(0, at), text.slice(at)] as const;
    if (!ids.has(pair[0]) || !ids.has(pair[1])) continue;
    merges.push({ pair, score, lengths: [length, characters.length - length] });
  }
  return merges.sort(({ pair: a }, { pair: b }) =>
    ids.get(a[0])! - ids.get(b[0])! || ids.get(a[1])! - ids.get(b[1])!
  );
}
