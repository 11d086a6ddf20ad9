import { methodStyle } from "lib/experiment/figure_parts.ts";
import type { SampleSet } from "lib/plot/figure.ts";
import type { ComparedMethod, ComparisonSummary } from "./summary.ts";

/** The part of a summary that answers are in. */
interface Answered extends Pick<ComparisonSummary, "prompts" | "answers"> {
  readonly methods: readonly Pick<
    ComparedMethod,
    "name" | "loss" | "answers"
  >[];
}

/** Prompts whose answers a page shows. */
const SHOWN = 6;

/** Characters of a prompt that are shown, the last ones. */
const LENGTH = 300;

/** The answers to each of a few prompts, before training and by every method. */
export function answerSamples(
  { prompts, answers, methods }: Answered,
): SampleSet[] {
  const writers = [
    { by: { name: "before training" }, answers },
    ...methods.map(({ name, loss, answers }) => ({
      by: { name, color: String(methodStyle(loss).line.color) },
      answers,
    })),
  ];
  return withoutTemplate(prompts).slice(0, SHOWN).map((prompt, i) => ({
    name: shortened(prompt),
    texts: writers.map(({ by, answers }) => ({ by, text: answers[i]! })),
  }));
}

/**
 * Prompts without the lines that all of them begin and end with: those of a
 * chat template. One prompt alone stays as it is.
 */
export function withoutTemplate(prompts: readonly string[]): string[] {
  if (prompts.length < 2) return [...prompts];
  const all = withoutStart(prompts.map((prompt) => prompt.split("\n")));
  const reversed = withoutStart(all.map((lines) => lines.toReversed()));
  return reversed.map((lines, i) =>
    lines.toReversed().join("\n") || prompts[i]!
  );
}

/** Lists of lines without those that all of them begin with. */
function withoutStart(all: readonly (readonly string[])[]) {
  const [first = [], ...others] = all;
  const end = first.findIndex((line, i) =>
    others.some((lines) => lines[i] !== line)
  );
  return all.map((lines) => lines.slice(end < 0 ? first.length : end));
}

function shortened(text: string): string {
  const letters = [...text.trim()];
  return letters.length <= LENGTH
    ? letters.join("")
    : `… ${letters.slice(-LENGTH).join("").trimStart()}`;
}
