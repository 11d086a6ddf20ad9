import type { SourceRow } from "../containers/reading.ts";
import { type Format, format, type RowContent } from "./format.ts";
import { idLists, ids, label } from "./column_types.ts";
import { ranking } from "./values.ts";

/**
 * Layouts of rows that are tokenized already. Ids are checked against the
 * vocabulary where its size is known.
 */
export const idFormats: readonly Format[] = [
  format({
    name: "ids-pairs",
    kind: "pairs",
    columns: { prompt_ids: ids, chosen_ids: ids, rejected_ids: ids },
    read: (row) => read(row, [row.fields.chosen_ids, row.fields.rejected_ids]),
  }),
  format({
    name: "ids-labels",
    kind: "labels",
    columns: { prompt_ids: ids, completion_ids: ids, label },
    read: (row) => read(row, [row.fields.completion_ids]),
  }),
  format({
    name: "ids-ranks",
    kind: "ranks",
    columns: { prompt_ids: ids, completions_ids: idLists },
    reads: ["scores"],
    read(row) {
      const { items, ratings } = ranking(row, "completions_ids");
      return { ...read(row, items), ...ratings };
    },
  }),
];

/** Takes values that the format has checked to be ids. */
function read(
  { fields }: SourceRow,
  completions: readonly unknown[],
): RowContent {
  return {
    form: "ids",
    prompt: fields.prompt_ids as number[],
    completions: completions as number[][],
  };
}
