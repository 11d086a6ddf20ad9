import type { SourceRow } from "../containers/reading.ts";
import { type Format, format, type RowContent } from "./format.ts";
import { exactly, label, messages } from "./column_types.ts";
import { chat, readTurns } from "./turns.ts";
import { readLabel, readNumber } from "./values.ts";

/**
 * The layouts that HALOs' `label.py` writes and its `get_feedback()` reads:
 * https://github.com/ContextualAI/HALOs/blob/main/train/dataloader.py. A pair's
 * label says whether A was preferred to B. Rewards, if there are any, become
 * scores.
 */
export const halosFormats: readonly Format[] = [
  format({
    name: "halos-pairs",
    kind: "pairs",
    columns: {
      type: exactly("pairwise_feedback"),
      prompt: messages,
      output_A: messages,
      output_B: messages,
      label,
    },
    reads: ["reward_A", "reward_B"],
    read: (row) => read(row, readLabel(row, "label") ? ["A", "B"] : ["B", "A"]),
  }),
  format({
    name: "halos-labels",
    kind: "labels",
    columns: {
      type: exactly("binary_feedback"),
      prompt: messages,
      output: messages,
      label,
    },
    reads: ["reward"],
    read: (row) => read(row, [""]),
  }),
];

function read(row: SourceRow, outputs: readonly string[]): RowContent {
  const columns = (name: string) =>
    outputs.map((which) => which === "" ? name : `${name}_${which}`);
  const rewards = columns("reward");
  const hasRewards = rewards.some((field) =>
    (row.fields[field] ?? null) !== null
  );
  return {
    ...chat(
      row,
      readTurns(row, "prompt"),
      columns("output").map((field) => readTurns(row, field)),
    ),
    ...hasRewards
      ? { ratings: rewards.map((field) => readNumber(row, field)) }
      : {},
  };
}
