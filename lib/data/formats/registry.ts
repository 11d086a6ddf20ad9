import { type SourceRow, unreadable } from "../containers/reading.ts";
import { alpacaFormats } from "./alpaca.ts";
import type { Format } from "./format.ts";
import { halosFormats } from "./halos.ts";
import { hhRlhf, openai } from "./openai.ts";
import { idFormats } from "./ids.ts";
import { llamafactoryV1 } from "./llamafactory_v1.ts";
import { sharegptFormats } from "./sharegpt.ts";
import { ranks, trlLabels, trlPairs } from "./trl.ts";
import { ultrafeedbackFormats } from "./ultrafeedback.ts";
import type { PreferenceRow, PreferenceRows } from "../example.ts";

/** Every known layout; a file has the first one that its first row fits. */
export const FORMATS: readonly Format[] = [
  ...idFormats,
  ...halosFormats,
  openai,
  llamafactoryV1,
  ...sharegptFormats,
  ...trlPairs,
  hhRlhf,
  ...alpacaFormats,
  ...trlLabels,
  ...ultrafeedbackFormats,
  ...ranks,
];

/** Options of {@linkcode formatOf}. */
export interface FormatOptions {
  /** A format, or the name of one, instead of what the first row looks like. */
  readonly format?: string | Format | undefined;
}

/** Options of {@linkcode parseRows}. */
export interface ParseOptions extends FormatOptions {
  /** Takes the error of a row that is then left out. @default throws it */
  readonly onBadRow?: ((error: Error) => void) | undefined;
}

/** The rows of one file, and what it turned out to be. */
export interface ParsedRows extends PreferenceRows {
  /** Name of the format. */
  readonly format: string;
}

/**
 * The format of a file: what is stated, or what its first row looks like by its
 * columns and the form of their values.
 *
 * @throws RangeError for a name that is not known, or an error that names file,
 * row and what is missing where the row fits no format.
 */
export function formatOf(
  row: SourceRow,
  { format }: FormatOptions = {},
): Format {
  return format === undefined ? recognise(row) : stated(format);
}

/**
 * Recognises the format of a file by its first row, see {@linkcode formatOf},
 * and reads every row by it.
 *
 * @throws an error that names file, row and field for the first row that does
 * not fit, or, with `onBadRow`, when no row is left.
 */
export function parseRows(
  rows: readonly SourceRow[],
  { format: wanted, onBadRow }: ParseOptions = {},
): ParsedRows {
  let format = wanted === undefined ? undefined : stated(wanted);
  let firstError: unknown;
  const parsed: PreferenceRow[] = [];
  for (const row of rows) {
    try {
      format ??= recognise(row);
      parsed.push(format.parse(row));
    } catch (error) {
      if (!onBadRow || !(error instanceof Error)) throw error;
      firstError ??= error;
      onBadRow(error);
    }
  }
  if (format && parsed.length > 0) {
    return { format: format.name, kind: format.kind, rows: parsed };
  }
  throw firstError ??
    new Error("Cannot read preferences: expected rows, found none");
}

function stated(format: string | Format): Format {
  if (typeof format === "object") return format;
  const known = FORMATS.find(({ name }) => name === format);
  if (known) return known;
  throw new RangeError(
    `Cannot use format "${format}": expected one of ${names()}`,
  );
}

function recognise(row: SourceRow): Format {
  const tried = FORMATS.map((format) => ({
    format,
    faults: format.faults(row),
  }));
  const fitting = tried.find(({ faults }) => faults.length === 0) ??
    nearest(row, tried);
  if (fitting) return fitting.format;
  const columns = Object.keys(row.fields).slice(0, 20).join(", ");
  throw unreadable(
    row.where,
    `unknown layout with the columns ${columns || "none"}; ` +
      `expected those of one of the formats ${names()}`,
  );
}

/** A format and what keeps a row from being of it. */
interface Tried {
  readonly format: Format;
  readonly faults: readonly string[];
}

/**
 * A row with one fault is taken for a bad one of its format, whose error then
 * says what is wrong. A field of the wrong form says more than one that is
 * missing, and many columns that fit say more than few.
 */
function nearest(
  { fields }: SourceRow,
  tried: readonly Tried[],
): Tried | undefined {
  const lacks = ({ faults: [fault] }: Tried) =>
    (fields[fault!] ?? null) === null;
  return tried
    .filter(({ faults }) => faults.length === 1)
    .filter((one) => !lacks(one) || one.format.columns.length > 2)
    .sort((a, b) =>
      Number(lacks(a)) - Number(lacks(b)) ||
      b.format.columns.length - a.format.columns.length
    )[0];
}

function names(): string {
  return FORMATS.map(({ name }) => name).join(", ");
}
