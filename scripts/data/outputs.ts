import { goodRows } from "lib/data/containers/reading.ts";
import { findFormat } from "lib/data/formats/registry.ts";
import { RowTokenizer } from "lib/data/tokenize/tokenize.ts";
import {
  assertWritable,
  type Fields,
  LAYOUT_NAMES,
  type LayoutName,
  tokenFields,
  trlLayout,
  writtenRow,
} from "lib/data/write/layout.ts";
import {
  addToDatasetInfo,
  llamafactoryLayout,
} from "lib/data/write/llamafactory.ts";
import {
  type Conversion,
  type ConversionSettings,
  convertRows,
  convertsNothing,
} from "lib/data/convert/convert.ts";
import type { RowReader } from "lib/data/open_rows.ts";
import {
  openTokens,
  optionsOf,
  refuseTokenFlags,
  type TokenSettings,
} from "./tokens.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

/** Layouts in which data can be written. */
export const TARGETS = [...LAYOUT_NAMES, "tokens"] as const;
export type Target = typeof TARGETS[number];

/** Rows that are ready to be written, one after another. */
export interface Output {
  /** Format by which they are read again. */
  readonly format: string;
  readonly conversions: readonly Conversion[];
  readonly rows: Iterable<Fields> | AsyncIterable<Fields>;
  /** Other facts for the record, once the rows are written. */
  facts(): Record<string, unknown>;
  /** Writes a file that belongs beside the rows; gives its path. */
  finish?(file: string): Promise<string>;
}

/** Rows in the layout of another trainer, each read again to compare it. */
export async function layoutOutput(
  data: RowReader,
  { to, ...settings }: ConversionSettings & TokenSettings & { to: LayoutName },
): Promise<Output> {
  refuseTokenFlags(settings, `with --to ${to}`);
  const { kind, rows, conversions } = await convertedRows(data, settings);
  const { form } = data;
  assertWritable({ kind, form }, to);
  const layout = (to === "trl" ? trlLayout : llamafactoryLayout)(kind, form);
  const format = findFormat(layout.format);
  let tools = false;
  const write = (row: PreferenceRow) => {
    tools ||= row.tools !== undefined;
    return writtenRow(row, { layout, format });
  };
  const finish = (file: string) =>
    addToDatasetInfo(file, { kind, form, tools });
  return {
    format: format.name,
    conversions,
    rows: written(rows, { write, data }),
    facts: () => ({}),
    ...to === "llamafactory" && { finish },
  };
}

/** Rows as token ids. */
export async function tokenOutput(
  data: RowReader,
  settings: ConversionSettings & TokenSettings,
): Promise<Output> {
  const { model = null } = settings;
  if (model === null && data.form !== "ids") {
    throw new Error("Missing flag --model: --to tokens needs its tokenizer");
  }
  const { kind, rows, conversions } = await convertedRows(data, settings);
  const options = optionsOf(settings);
  const tokenizing = model === null
    ? { tokenizer: null, vocabularySize: Infinity, ...options }
    : (await openTokens(settings))!;
  const tokens = new RowTokenizer(tokenizing);
  const write = (row: PreferenceRow) => {
    const example = tokens.tokenize(row);
    return example && tokenFields(example, { kind, location: row.location });
  };
  const tokenizer = tokenizing.tokenizer?.hash ?? null;
  return {
    format: `ids-${kind}`,
    conversions,
    rows: written(rows, { write, data }),
    facts: () => ({
      tokens: { model, tokenizer, ...options, counts: tokens.counts },
    }),
  };
}

/** The columns of rows, without the rows that are left out. */
function written(
  rows: Iterable<PreferenceRow> | AsyncIterable<PreferenceRow>,
  { write, data }: {
    write: (row: PreferenceRow) => Fields | null;
    data: RowReader;
  },
): AsyncGenerator<Fields> {
  return goodRows(rows, write, data.refuse);
}

/** Rows after the conversions; held in memory only where there are any. */
async function convertedRows(data: RowReader, settings: ConversionSettings) {
  const { kind } = data;
  if (convertsNothing(settings)) {
    return { kind, rows: data.rows(), conversions: [] };
  }
  const rows: PreferenceRow[] = await Array.fromAsync(data.rows());
  return convertRows({ kind, rows }, settings);
}
