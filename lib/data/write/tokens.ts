import type { DataKind, Example } from "../example.ts";
import type { Fields } from "./layout.ts";

/** Names of the completions' columns. */
const COLUMNS: Record<DataKind, readonly string[]> = {
  pairs: ["chosen_ids", "rejected_ids"],
  labels: ["completion_ids"],
  ranks: [],
};

/**
 * The columns of an example as token ids.
 *
 * @throws Error for tokens of completions that are not scored, which the
 * columns cannot say.
 */
export function tokenFields(
  { prompt, completions, scored, label, weight }: Example,
  { kind, where }: { kind: DataKind; where: string },
): Fields {
  if (scored?.some((marks) => marks.includes(false))) {
    throw new Error(
      `Cannot write ${where} as token ids: they do not say which tokens of ` +
        "its completions are not scored",
    );
  }
  const names = COLUMNS[kind];
  return {
    prompt_ids: prompt,
    ...names.length === 0 ? { completions_ids: completions } : {},
    ...Object.fromEntries(names.map((name, i) => [name, completions[i]])),
    ...label === undefined ? {} : { label },
    ...weight === undefined ? {} : { loss_weight: weight },
  };
}
