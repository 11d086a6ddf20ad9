import type { Rng } from "lib/rng.ts";

/**
 * A probabilistic grammar without recursion: words separated by spaces, a
 * sequence of grammars, or a weighted choice among them.
 */
export type Grammar = string | readonly Grammar[] | Choice;

export interface Choice {
  readonly choices: readonly (readonly [weight: number, Grammar])[];
}

/** Anything that draws from [0, 1). */
export type Uniform = Pick<Rng, "uniform">;

/** One of the alternatives, with probability in proportion to its weight. */
export function choice(...choices: Choice["choices"]): Choice {
  return { choices };
}

/** One of the alternatives, all equally likely. */
export function anyOf(alternatives: readonly Grammar[]): Choice {
  return { choices: alternatives.map((grammar) => [1, grammar]) };
}

/** Draws the words of one sentence. */
export function sampleWords(grammar: Grammar, rng: Uniform): string[] {
  if (typeof grammar === "string") return grammar.split(" ");
  if (!("choices" in grammar)) {
    return grammar.flatMap((part) => sampleWords(part, rng));
  }
  let left = rng.uniform() * totalWeight(grammar);
  const chosen = grammar.choices.find(([weight]) => (left -= weight) < 0);
  return sampleWords((chosen ?? grammar.choices.at(-1)!)[1], rng);
}

/** The probability of every sentence. */
export function lawOf(grammar: Grammar): ReadonlyMap<string, number> {
  if (typeof grammar === "string") return new Map([[grammar, 1]]);
  const all = new Map<string, number>();
  const add = (sentence: string, p: number) =>
    all.set(sentence, (all.get(sentence) ?? 0) + p);
  if ("choices" in grammar) {
    const total = totalWeight(grammar);
    for (const [weight, part] of grammar.choices) {
      for (const [text, p] of lawOf(part)) add(text, p * weight / total);
    }
    return all;
  }
  const [first, ...rest] = grammar;
  if (first === undefined) return new Map([["", 1]]);
  for (const [begin, p] of lawOf(first)) {
    for (const [end, q] of lawOf(rest)) add(`${begin} ${end}`.trim(), p * q);
  }
  return all;
}

/** Whether the grammar can produce exactly these words. */
export function accepts(grammar: Grammar, words: readonly string[]): boolean {
  return ends(grammar, words, new Set([0])).has(words.length);
}

/** Every word of the grammar, in the order in which it stands there. */
export function terminals(grammar: Grammar): Set<string> {
  if (typeof grammar === "string") return new Set(grammar.split(" "));
  const parts = "choices" in grammar
    ? grammar.choices.map(([, alternative]) => alternative)
    : grammar;
  return new Set(parts.flatMap((part) => [...terminals(part)]));
}

/**
 * Entropy of a sentence in nats: −Σ p log p over all derivations, so the
 * grammar must be unambiguous. No language model has a smaller expected loss
 * on its sentences.
 */
export function entropy(grammar: Grammar): number {
  if (typeof grammar === "string") return 0;
  if (!("choices" in grammar)) return sum(grammar.map(entropy));
  const total = totalWeight(grammar);
  return sum(
    grammar.choices.map(([weight, alternative]) => {
      const p = weight / total;
      return p * (entropy(alternative) - Math.log(p));
    }),
  );
}

/** Every index at which a match can end, given those at which it can start. */
function ends(
  grammar: Grammar,
  words: readonly string[],
  starts: ReadonlySet<number>,
): ReadonlySet<number> {
  if (starts.size === 0) return starts;
  if (typeof grammar === "string") {
    const wanted = grammar.split(" ");
    const matches = [...starts].filter((start) =>
      wanted.every((word, i) => word === words[start + i])
    );
    return new Set(matches.map((start) => start + wanted.length));
  }
  if (!("choices" in grammar)) {
    return grammar.reduce((at, part) => ends(part, words, at), starts);
  }
  return new Set(
    grammar.choices.flatMap(([, part]) => [...ends(part, words, starts)]),
  );
}

function totalWeight({ choices }: Choice): number {
  return sum(choices.map(([weight]) => weight));
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
