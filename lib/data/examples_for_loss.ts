import type { DataKind, Example } from "./example.ts";

/** Kind of examples that a loss reads. */
export type ExampleKind = DataKind | "completions";

/** Functions that make one kind of examples of another, where that takes no choice. */
const CONVERTERS: Record<
  DataKind,
  Partial<
    Record<ExampleKind, (examples: readonly Example[]) => readonly Example[]>
  >
> = {
  pairs: {
    labels: (examples) => examples.flatMap(unpair),
    ranks: (examples) => examples,
    completions: (examples) => examples,
  },
  labels: {
    completions: (examples) => examples.filter(({ label }) => label),
  },
  ranks: { completions: (examples) => examples },
};

/** Conversions that a user can ask for, as advice. */
const ADVICE: Record<DataKind, Partial<Record<ExampleKind, string>>> = {
  pairs: {},
  labels: {
    pairs: "where prompts repeat, pairs can be made before: state pairLabels",
  },
  ranks: {
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
  const convert = CONVERTERS[kind][wanted];
  if (convert) return convert(examples);
  const advice = ADVICE[kind][wanted];
  throw new RangeError(
    `Cannot make ${wanted} of ${kind}: the loss needs ${NEEDS[wanted]}` +
      (advice ? `; ${advice}` : ""),
  );
}

function unpair(pair: Example): Example[] {
  return [true, false].map((label, k) => ({
    ...pair,
    completions: [pair.completions[k]!],
    ...pair.lossMask && { lossMask: [pair.lossMask[k]!] },
    label,
  }));
}
