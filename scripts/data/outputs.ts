import { basename, dirname, join } from "node:path";
import { writeAtomically, writeTextAtomically } from "lib/files/atomic.ts";
import { findFormat } from "lib/data/formats/registry.ts";
import type { PreferenceRow } from "lib/data/example.ts";
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
  datasetInfoEntry,
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
import { reasonOf } from "lib/files/values.ts";

/** What data can be written as. */
export const TARGETS = [...LAYOUT_NAMES, "tokens"] as const;
export type Target = typeof TARGETS[number];

/** Rows that are ready to be written, one after another. */
export interface Output {
  /** Format by which they are read again. */
  readonly format: string;
  readonly conversions: readonly Conversion[];
  readonly rows: Iterable<Fields> | AsyncIterable<Fields>;
  /** What else a record says of them, once they are written. */
  facts(): Record<string, unknown>;
  /** Writes what belongs beside the file; gives its path. */
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
    addToDatasetInfo(
      file,
      (name) => datasetInfoEntry({ kind, form, tools }, name),
    );
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

/** Rows as columns, without those that are left out. */
async function* written(
  rows: Iterable<PreferenceRow> | AsyncIterable<PreferenceRow>,
  { write, data }: {
    write: (row: PreferenceRow) => Fields | null;
    data: RowReader;
  },
): AsyncGenerator<Fields> {
  for await (const row of rows) {
    let fields: Fields | null;
    try {
      fields = write(row);
    } catch (error) {
      data.refuse(error as Error);
      continue;
    }
    if (fields) yield fields;
  }
}

/** Rows after the conversions; held at once only where there are any. */
async function convertedRows(data: RowReader, settings: ConversionSettings) {
  const { kind } = data;
  if (convertsNothing(settings)) {
    return { kind, rows: data.rows(), conversions: [] };
  }
  const rows: PreferenceRow[] = await Array.fromAsync(data.rows());
  return convertRows({ kind, rows }, settings);
}

/** Puts a file into the dataset_info.json of its folder, beside other entries. */
async function addToDatasetInfo(
  file: string,
  entry: (fileName: string) => Fields,
): Promise<string> {
  const path = join(dirname(file), "dataset_info.json");
  const fileName = basename(file);
  const name = fileName.replace(/\.jsonl?$/, "");
  const entries = { ...await readEntries(path), [name]: entry(fileName) };
  await writeTextAtomically(path, JSON.stringify(entries, null, 2) + "\n");
  return path;
}

async function readEntries(path: string): Promise<Fields> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return {};
    throw new Error(`Cannot add to ${path}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

/** How the rows of a file are put together, by the end of its name. */
const CONTAINERS = {
  ".jsonl": { start: "", between: "\n", end: "\n" },
  ".json": { start: "[\n", between: ",\n", end: "\n]\n" },
};

/** Characters that are written at once. */
const BLOCK = 1 << 20;

/**
 * Writes rows as JSON lines or as one JSON array, row by row.
 *
 * @returns how many there were.
 * @throws Error for another ending of the file's name, or for no rows.
 */
export async function writeRows(
  path: string,
  rows: AsyncIterable<Fields> | Iterable<Fields>,
): Promise<number> {
  const { start, between, end } = containerOf(path);
  let count = 0;
  await writeAtomically(path, async (temporary) => {
    using file = await Deno.create(temporary);
    const writer = file.writable.getWriter();
    const encoder = new TextEncoder();
    let block = start;
    for await (const row of rows) {
      block += (count++ === 0 ? "" : between) + JSON.stringify(row);
      if (block.length < BLOCK) continue;
      await writer.write(encoder.encode(block));
      block = "";
    }
    if (count === 0) throw new Error("no rows are left");
    await writer.write(encoder.encode(block + end));
    await writer.close();
  });
  return count;
}

/** @throws Error where {@linkcode writeRows} would. */
export function containerOf(path: string) {
  const container = Object.entries(CONTAINERS)
    .find(([ending]) => path.endsWith(ending))?.[1];
  if (container) return container;
  throw new Error(`Cannot write ${path}: expected a name in .jsonl or .json`);
}
