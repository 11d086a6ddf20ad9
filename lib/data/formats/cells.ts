import type { Row } from "../row.ts";
import type { Form } from "./forms.ts";

/** Columns of numbers that rows of any format may have. */
const NUMBERS = [
  "loss_weight",
  "score_chosen",
  "score_rejected",
  "scores",
  "votes_chosen",
  "votes_rejected",
  "votes_equal",
];

/** What tables write for a label: JSON, pandas and R. */
const LABELS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["1", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
  ["0", false],
]);

/**
 * An untyped row with the values that its columns stand for: lists and messages
 * from their JSON, labels, numbers. What cannot be read so stays text, for the
 * format to refuse. An empty cell is missing unless its column holds text.
 */
export function typedRow(
  row: Row,
  columns: Readonly<Record<string, Form>>,
): Row {
  if (!row.untyped) return row;
  const fields: Record<string, unknown> = { ...row.fields };
  for (const [name, { cell }] of Object.entries(columns)) {
    if (cell) fields[name] = valueOf(fields[name], cell);
  }
  for (const name of NUMBERS) fields[name] = valueOf(fields[name], "json");
  return { ...row, fields };
}

function valueOf(cell: unknown, kind: "json" | "label"): unknown {
  if (typeof cell !== "string") return cell;
  if (cell.trim() === "") return null;
  if (kind === "label") return LABELS.get(cell.trim()) ?? cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}
