import type { DataKind, Example } from "./example.ts";

/** What a loss wants to see. */
export type ExampleKind = DataKind | "completions";

/** How each kind of examples becomes what is wanted; absent where it cannot. */
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

/** How the user can have what is not made unasked. */
const ADVICE: Record<DataKind, Partial<Record<ExampleKind, string>>> = {
  pairs: {},
  labels: {
    pairs: "where prompts repeat, pairs can be made before: state pairLabels",
  },
  ranks: {
    pairs: "pairs can be made before: state pairs all, best-worst or adjacent",
  },
};

/** What each kind is, where it is not what a loss needs. */
const NEEDS: Record<ExampleKind, string> = {
  pairs: "a chosen and a rejected completion of each prompt",
  labels: "completions labelled desirable or not",
  ranks: "completions of each prompt ranked from best to worst",
  completions: "completions",
};

/**
 * Examples as a loss wants them: a pair serves as two labelled completions,
 * which stand one after the other, or as a list of two; chosen, desirable or
 * best completions serve for supervised fine-tuning.
 *
 * What has to be chosen or drawn is done to rows before tokenization instead,
 * by what is in `convert/`.
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
