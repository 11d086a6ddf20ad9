import {
  shown,
  type SourceRow,
  unreadable,
  valueError,
} from "../containers/reading.ts";
import type { DataKind } from "../example.ts";
import { type ColumnType, isEmpty, typedRow, valueIn } from "./column_types.ts";
import { FEEDBACK, feedbackOf, readLabel, readTools } from "./values.ts";
import type { Json } from "../../record/canonical_json.ts";
import { withoutNulls } from "../messages.ts";
import { isObject, reasonOf } from "../../files/values.ts";
import type { Content, PreferenceRow } from "../preference_row.ts";

/** A layout of data files. */
export interface Format {
  /** Name in settings and messages. */
  readonly name: string;
  /** Kind of its rows. */
  readonly kind: DataKind;
  /** Its columns and their types, in one line. */
  readonly summary: string;
  /** Columns that every row has. */
  readonly columns: readonly string[];
  /** Columns that it reads where a row has them. */
  readonly reads: ReadonlySet<string>;
  /** Columns that a row lacks, or fills with values of another type. */
  faults(row: SourceRow): string[];
  /**
   * Reads a row. Columns that the format does not know are passed over, `null`
   * counts as missing.
   *
   * @throws {@linkcode NoPreference} for a tie; otherwise an error that names file, row, field and format.
   */
  parse(row: SourceRow): PreferenceRow;
}

/** A row that prefers neither of its answers; readers leave it out and count it. */
export class NoPreference extends Error {
  /** @param verdict column and value, where there is one of neither answer. */
  constructor(readonly verdict?: string) {
    super();
  }
}

/** The content of a row, apart from its label. */
export type RowContent =
  & Content
  & Pick<PreferenceRow, "ratings" | "tools" | "leftOut">;

/** Usual names of a column with a system message. */
export const SYSTEMS = [
  "system",
  "system_prompt",
  "system_message",
  "system_instruction",
];

/** Column of options of the chat template, as TRL reads it. */
export const TEMPLATE_OPTIONS = "chat_template_kwargs";

/** The parts of a format. */
export interface Layout {
  readonly name: string;
  readonly kind: DataKind;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Columns that rows may have. */
  readonly optional?: Readonly<Record<string, ColumnType>>;
  /** Column of the label, where there is one. @default "label" */
  readonly label?: string;
  /**
   * Column of a system message, `null` for none. @default any of
   * {@linkcode SYSTEMS}
   */
  readonly system?: string | null;
  /** Column of tool definitions, `null` for none. @default "tools" */
  readonly tools?: string | null;
  /** Its columns, in one line. @default their names and types */
  readonly summary?: string;
  /** Reads the label. @default the label of its column */
  readonly readLabel?: (row: SourceRow) => boolean;
  /** Other columns that `read` reads. @default none */
  readonly reads?: readonly string[];
  read(row: SourceRow): RowContent;
}

/** Makes a format of a layout. */
export function format(layout: Layout): Format {
  const { name, kind, columns, optional = {} } = layout;
  const known = { ...optional, ...columns };
  return {
    name,
    kind,
    columns: Object.keys(columns),
    reads: readsOf(layout),
    summary: layout.summary ?? [
      ...Object.entries(columns).map(describe),
      ...Object.entries(optional).map((entry) => `[${describe(entry)}]`),
    ].join(", "),
    faults: (row) => faults(typedRow(row, known), columns),
    parse(untyped) {
      const row = typedRow(untyped, known);
      try {
        const [fault] = faults(row, columns);
        if (fault !== undefined) throw faultError(row, fault, columns);
        checkOptional(row, optional);
        return complete(row, layout);
      } catch (cause) {
        if (cause instanceof NoPreference) throw cause;
        throw new Error(`${reasonOf(cause)} (format ${name})`, { cause });
      }
    },
  };
}

function readsOf(
  { columns, optional, label = "label", system, tools = "tools", ...layout }:
    Layout,
): Set<string> {
  return new Set([
    ...Object.keys(columns),
    ...Object.keys(optional ?? {}),
    ...layout.kind === "labels" ? [label] : [],
    ...system === undefined ? SYSTEMS : [system ?? []].flat(),
    ...tools === null ? [] : [tools],
    ...layout.reads ?? [],
    ...FEEDBACK[layout.kind],
    TEMPLATE_OPTIONS,
  ]);
}

function faults({ fields }: SourceRow, columns: Layout["columns"]): string[] {
  return Object.entries(columns)
    .filter(([name, form]) => !form.holds(fields[name] ?? undefined))
    .map(([name]) => name);
}

function describe([column, { expected }]: [string, ColumnType]): string {
  return `${column} (${expected})`;
}

function faultError(
  row: SourceRow,
  field: string,
  columns: Layout["columns"],
): Error {
  const actual = row.fields[field] ?? null;
  if (actual === null) {
    const all = Object.keys(columns).join(", ");
    return unreadable(
      row.location,
      `no "${field}"; expected the columns ${all} in every row`,
    );
  }
  return valueError(row, { field, actual, expected: columns[field]!.expected });
}

function checkOptional(row: SourceRow, optional: Layout["columns"]): void {
  for (const [field, { holds, expected }] of Object.entries(optional)) {
    const actual = row.fields[field] ?? null;
    if (actual === null || holds(actual)) continue;
    throw valueError(row, { field, actual, expected });
  }
}

function complete(row: SourceRow, layout: Layout): PreferenceRow {
  const { kind, label = "label", tools = "tools" } = layout;
  const { readLabel: readLabelOf = (row) => readLabel(row, label) } = layout;
  const reading = layout.read(row);
  const system = systemColumn(row, layout);
  const told = system === null ? reading : withSystem(row, system, reading);
  const defined = tools === null || reading.tools
    ? {}
    : readTools(row, { field: tools, form: reading.form });
  const feedback = feedbackOf(row, kind);
  const leftOut = [...reading.leftOut ?? [], ...feedback.leftOut ?? []];
  return {
    location: row.location,
    ...told,
    ...defined,
    ...reading.form === "chat" ? templateOptionsOf(row) : {},
    ...feedback,
    ...leftOut.length > 0 && { leftOut },
    ...kind === "labels" ? { label: readLabelOf(row) } : {},
  };
}

/** @throws Error where two columns have different system messages. */
function systemColumn(row: SourceRow, { system }: Layout): string | null {
  if (system !== undefined) return system;
  const { fields } = row;
  const [first, ...others] = SYSTEMS.filter((name) => !isEmpty(fields[name]));
  if (first === undefined) return null;
  const field = others.find((name) => fields[name] !== fields[first]);
  if (field === undefined) return first;
  const expected = `the same as "${first}", ${shown(fields[first])}`;
  throw valueError(row, { field, actual: fields[field], expected });
}

function templateOptionsOf(
  row: SourceRow,
): Pick<PreferenceRow, "templateOptions"> {
  const field = TEMPLATE_OPTIONS;
  const actual = row.fields[field];
  if (isEmpty(actual)) return {};
  const options = withoutNulls(
    typeof actual === "string" ? valueIn(actual) : actual,
  );
  if (areOptions(options)) return { templateOptions: options };
  const expected = "an object of options of the chat template";
  throw valueError(row, { field, actual, expected });
}

function areOptions(value: unknown): value is Record<string, Json> {
  return isObject(value);
}

/**
 * Puts the system message of a column before a conversation that has none.
 *
 * @throws an error that names file, row and field where the conversation has
 * another one, or where the row has text instead of a conversation.
 */
function withSystem<T extends Content>(
  row: SourceRow,
  field: string,
  reading: T,
): T {
  const actual = row.fields[field] ?? "";
  if (actual === "") return reading;
  if (typeof actual !== "string") {
    throw valueError(row, { field, actual, expected: "text" });
  }
  if (reading.form !== "chat") {
    const expected = "absent: only messages have a system message";
    throw valueError(row, { field, actual, expected });
  }
  const [first] = reading.prompt;
  if (first?.role !== "system") {
    const system = { role: "system", content: actual };
    return { ...reading, prompt: [system, ...reading.prompt] };
  }
  if (first.content === actual) return reading;
  const expected = `the conversation's system message ${shown(first.content)}`;
  throw valueError(row, { field, actual, expected });
}
