import { type SourceRow, valueError } from "../containers/reading.ts";
import { isObject } from "../../files/values.ts";
import type { Content, PreferenceRow } from "../preference_row.ts";

/**
 * A label: a boolean or the number 0 or 1. Text is refused, also `"false"`,
 * which other tools take for true.
 */
export function readLabel(row: SourceRow, field: string): boolean {
  const actual = row.fields[field];
  if (typeof actual === "boolean") return actual;
  if (actual === 0 || actual === 1) return actual === 1;
  throw valueError(row, { field, actual, expected: "true, false, 1 or 0" });
}

/** A finite number. */
export function readNumber(
  row: SourceRow,
  field: string,
  actual: unknown = row.fields[field],
): number {
  if (Number.isFinite(actual)) return actual as number;
  throw valueError(row, { field, actual, expected: "a finite number" });
}

/** A column's text, or `value`; the empty one for an absent optional column. */
export function readText(row: SourceRow, field: string | null): string {
  return field === null ? "" : row.fields[field] as string ?? "";
}

/** Options of {@linkcode readTools}. */
export interface ReadToolsOptions {
  /** The column, or the place of `value`. */
  readonly field: string;
  readonly value?: unknown;
  /** Form of the row's content: only chat templates know tools. */
  readonly form: Content["form"];
}

/**
 * Definitions of tools, as a list of objects or as its JSON text; nothing
 * where there are none.
 */
export function readTools(
  row: SourceRow,
  { field, value = row.fields[field], form }: ReadToolsOptions,
): Pick<PreferenceRow, "tools"> {
  const none = [undefined, null, ""].includes(value as string);
  const tools = none ? [] : typeof value === "string" ? parse(value) : value;
  if (!Array.isArray(tools) || !tools.every(isObject)) {
    const expected = "a list of tools, or its JSON text";
    throw valueError(row, { field, actual: value, expected });
  }
  if (tools.length === 0) return {};
  if (form === "chat") return { tools };
  const expected = "absent: only messages can be rendered with tools";
  throw valueError(row, { field, actual: value, expected });
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
