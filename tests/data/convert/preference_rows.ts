import type { PreferenceRow } from "lib/data/preference_row.ts";

/** Pairs whose prompts and completions are all different. */
export function textPairs(count: number): PreferenceRow[] {
  return Array.from({ length: count }, (_, i) => ({
    form: "text",
    prompt: `prompt ${i}`,
    completions: [`good ${i}`, `bad ${i}`],
    location: `pairs.jsonl, line ${i + 1}`,
  }));
}

/** Labelled completions with these prompts; all completions are different. */
export function textLabels(
  list: readonly [prompt: string, label: boolean][],
): PreferenceRow[] {
  return list.map(([prompt, label], i) => ({
    form: "text",
    prompt,
    completions: [`answer ${i}`],
    label,
    location: `labels.jsonl, line ${i + 1}`,
  }));
}

/** A list from best to worst. */
export function textList(
  completions: string[],
  ratings?: readonly number[],
): PreferenceRow {
  return {
    form: "text",
    prompt: "prompt",
    completions,
    location: "lists.jsonl, line 1",
    ...ratings && { ratings },
  };
}
