import type { DataKind, Example } from "./example.ts";

/** Kind of examples that a loss reads. */
export type ExampleKind = DataKind | "completions";

type Converter = (examples: readonly Example[]) => readonly Example[];
const asTheyAre: Converter = (examples) => examples;

/**
 * Ways from one kind of examples to another: a function, or advice where the user
 * has to choose.
 */
const WAYS: Record<
  DataKind,
  Partial<Record<ExampleKind, Converter | string>>
> = {
  pairs: {
    labels: (examples) => examples.flatMap(unpair),
    ranks: asTheyAre,
    completions: asTheyAre,
  },
  labels: {
    completions: (examples) => examples.filter(({ label }) => label),
    pairs: "where prompts repeat, pairs can be made before: state pairLabels",
  },
  ranks: {
    completions: asTheyAre,
    pairs: "pairs can be made before: state pairs all, best-worst or adjacent",
  },
};

/** Each kind of examples in words. */
const NEEDS: Record<ExampleKind, string> = {
  pairs: "a chosen and a rejected completion of each prompt",
  labels: "completions labelled desirable or not",
  ranks: "completions of each prompt ranked from best to worst",
  completions: "completions",
};

/**
 * Makes examples of the kind that a loss reads: a pair becomes two labelled
 * completions, one after the other, or a list of two; chosen, desirable or best
 * completions serve for supervised fine-tuning.
 *
 * Conversions that choose or draw are made of rows before tokenization, in
 * `convert/`.
 *
 * @throws RangeError where that would take labels or choices nobody made.
 */
export function examplesFor(
  { kind, examples }: {
    readonly kind: DataKind;
    readonly examples: readonly Example[];
  },
  wanted: ExampleKind,
): readonly Example[] {
  if (kind === wanted) return examples;
  const way = WAYS[kind][wanted];
  if (typeof way === "function") return way(examples);
  throw new RangeError(
    `Cannot make ${wanted} of ${kind}: the loss needs ${NEEDS[wanted]}` +
      (way ? `; ${way}` : ""),
  );
}

/** How many examples a pair becomes: two where each answer is one. */
export function examplesPerPair(wanted: ExampleKind): number {
  return wanted === "labels" ? 2 : 1;
}

function unpair(pair: Example): Example[] {
  return [true, false].map((label, k) => ({
    ...pair,
    completions: [pair.completions[k]!],
    ...pair.lossMask && { lossMask: [pair.lossMask[k]!] },
    ...pair.ratings && { ratings: [pair.ratings[k]!] },
    label,
  }));
}
