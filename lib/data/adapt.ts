import type { Example, ExampleSet } from "./example.ts";

/** What a loss wants to see. */
export type Wanted = "pairs" | "labels" | "completions";

/**
 * Examples as a loss wants them: a pair serves as two labelled completions,
 * which stand one after the other, and chosen or desirable completions serve
 * for supervised fine-tuning.
 *
 * @throws RangeError where labelled completions would have to make pairs.
 */
export function examplesFor(
  { kind, examples }: Pick<ExampleSet, "kind" | "examples">,
  wanted: Wanted,
): readonly Example[] {
  if (kind === wanted) return examples;
  if (wanted === "labels") return examples.flatMap(unpair);
  if (wanted === "pairs") {
    throw new RangeError(
      "Cannot make pairs of labelled completions: the loss needs a chosen and a rejected completion of each prompt",
    );
  }
  return kind === "pairs" ? examples : examples.filter(({ label }) => label);
}

function unpair({ prompt, completions }: Example): Example[] {
  const [chosen, rejected] = completions;
  return [
    { prompt, completions: [chosen!], label: true },
    { prompt, completions: [rejected!], label: false },
  ];
}
