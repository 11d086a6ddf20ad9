import {
  type DatasetSource,
  formatBeside,
  registeredDataset,
} from "./dataset_info.ts";
import {
  type DataKind,
  type Example,
  hashExamples,
  type PreferenceRow,
} from "./example.ts";
import { formatOf } from "./formats/registry.ts";
import type { Format } from "./formats/format.ts";
import { streamRows } from "./containers/read_rows.ts";
import { type HubOptions, resolveData } from "../hub/resolve.ts";
import { type DataSource, sourceName } from "../record/record.ts";
import { type TokenizeOptions, tokenizeRows } from "./tokenize/tokenize.ts";
import {
  type Conversion,
  type ConversionSettings,
  convertRows,
} from "./convert/convert.ts";

/** What a download tells as it goes on. */
export type DownloadHooks = Pick<HubOptions, "onFile" | "onWait">;

export interface SourceOptions extends DownloadHooks {
  /** Rows to read, at most. */
  readonly limit?: number;
  /** Layout of the rows, where it is stated. */
  readonly format?: string;
  /** Whether rows that cannot be read are left out. */
  readonly skipBadRows: boolean;
}

/** Rows that were left out because they could not be read. */
export interface BadRows {
  count: number;
  /** What was wrong with the first ones. */
  readonly errors: string[];
}

/** Preference data that is read row by row. */
export interface Preferences {
  /** What a record calls it. */
  readonly name: string;
  readonly files: readonly string[];
  readonly kind: DataKind;
  /** Layout of the rows. */
  readonly format: string;
  /** Form of the first row. */
  readonly form: PreferenceRow["form"];
  /** Columns of the first row. */
  readonly columns: readonly string[];
  /** Grows as rows are read. */
  readonly bad: BadRows;
  /** Takes the error of a row: notes it where bad rows are left out, else throws it. */
  refuse(error: Error): void;
  rows(): AsyncGenerator<PreferenceRow>;
}

/** Errors of rows that are kept. */
const KEPT = 10;

/**
 * Opens preference data of a path, the Hub, or an entry of a registry,
 * `DIR/dataset_info.json:NAME`. What is stated says what it is, else a
 * `dataset_info.json` beside the file, else its first row.
 *
 * @throws Error that names file and row where it cannot be read.
 */
export async function openPreferences(
  pathOrId: string,
  { limit = Infinity, format: stated, skipBadRows, ...hooks }: SourceOptions,
): Promise<Preferences> {
  const entry = await registeredDataset(pathOrId);
  const place = entry ? placeOf(entry.source) : pathOrId;
  const { files, source } = await resolveData(place, hooks);
  const format = stated ?? entry?.format;
  const bad: BadRows = { count: 0, errors: [] };
  const refuse = (error: Error) => {
    if (!skipBadRows) throw error;
    bad.count++;
    if (bad.errors.length < KEPT) bad.errors.push(error.message);
  };
  const first = await firstRow(files, { format, skipBadRows });
  const { name: formatName, kind } = first.format;
  const name = sourceName(source);
  return {
    name,
    files,
    kind,
    format: formatName,
    form: first.row.form,
    columns: first.columns,
    bad,
    refuse,
    async *rows() {
      let left = limit;
      for await (const found of parsedRows(files, { format, refuse })) {
        if (found.format.kind !== kind) throw mixed(name, kind, found);
        yield found.row;
        if (--left === 0) return;
      }
    },
  };
}

function mixed(name: string, kind: DataKind, { format, row }: Parsed): Error {
  return new Error(
    `Cannot mix ${kind} and ${format.kind} (${row.where}) in ${name}: ` +
      "expected one kind",
  );
}

interface Parsed {
  readonly row: PreferenceRow;
  readonly format: Format;
  readonly columns: readonly string[];
}

/** A registered dataset as {@linkcode resolveData} takes it. */
function placeOf(source: DatasetSource): string {
  if (source.kind === "file") return source.path;
  const { id, revision, split, subset } = source;
  const part = [subset, split].filter(Boolean).join("/");
  return id + (revision ? `@${revision}` : "") + (part ? `:${part}` : "");
}

interface ParsingOptions {
  readonly format: string | Format | undefined;
  readonly refuse: (error: Error) => void;
}

async function firstRow(
  files: readonly string[],
  { format, skipBadRows }: {
    format: string | Format | undefined;
    skipBadRows: boolean;
  },
): Promise<Parsed> {
  let cause: Error | undefined;
  const refuse = (error: Error) => {
    if (!skipBadRows) throw error;
    cause ??= error;
  };
  for await (const found of parsedRows(files, { format, refuse })) return found;
  throw new Error(
    `Cannot use ${
      files.join(", ")
    }: expected rows that can be read, found none`,
    { cause },
  );
}

async function* parsedRows(
  files: readonly string[],
  { format: stated, refuse }: ParsingOptions,
): AsyncGenerator<Parsed> {
  for (const file of files) {
    const known = stated ?? await formatBeside(file) ?? undefined;
    let format: Format | undefined;
    for await (const row of streamRows(file, { onBadRow: refuse })) {
      let found: PreferenceRow;
      try {
        format ??= formatOf(row, { format: known });
        found = format.parse(row);
      } catch (error) {
        refuse(error as Error);
        continue;
      }
      yield { row: found, format: format!, columns: Object.keys(row.fields) };
    }
  }
}

/** Examples of one file, or of several that belong together. */
export interface PreferenceData {
  readonly kind: DataKind;
  readonly examples: readonly Example[];
  readonly description: DataSource;
}

export interface DataOptions extends TokenizeOptions, DownloadHooks {
  /** What the data is for, as a record says it. */
  readonly role: string;
  /** Stated layout of the rows. @default as the first row tells */
  readonly format?: string | undefined;
  /** Whether rows that cannot be read are left out. @default false */
  readonly skipBadRows?: boolean;
  /** @default none */
  readonly conversions?: ConversionSettings;
}

/**
 * Reads preference data from a path or the Hub.
 *
 * @throws Error that names file and row of the first thing that is wrong.
 */
export async function readPreferences(
  pathOrId: string,
  {
    role,
    format,
    skipBadRows = false,
    conversions: wanted = {},
    onFile,
    onWait,
    ...options
  }: DataOptions,
): Promise<PreferenceData> {
  const stated = format === undefined ? {} : { format };
  const source = await openPreferences(pathOrId, {
    ...{ ...stated, skipBadRows },
    ...onFile && { onFile },
    ...onWait && { onWait },
  });
  const rows = await Array.fromAsync(source.rows());
  const { conversions, ...converted } = convertRows(
    { kind: source.kind, rows },
    wanted,
  );
  if (converted.rows.length === 0) {
    throw new Error(
      `Cannot use ${source.name}: its ${rows.length} rows are none once converted`,
    );
  }
  const { kind, examples, counts } = tokenizeRows(converted, {
    ...options,
    onBadRow: source.refuse,
  });
  const { places: _, dropped, unterminated, doubledEos, ...numbers } = counts;
  return {
    kind,
    examples,
    description: {
      role,
      source: source.name,
      sha256: hashExamples({ examples }),
      format: source.format,
      ...conversions.length > 0 && { conversions: conversions.map(recorded) },
      counts: {
        ...numbers,
        dropped: sum(Object.values(dropped)),
        skipped: source.bad.count,
        ...unterminated !== null && { unterminated },
        ...doubledEos !== null && { doubledEos },
      },
    },
  };
}

function recorded({ name, setting, counts }: Conversion) {
  return { name, setting, counts: { ...counts } };
}

function sum(list: readonly number[]): number {
  return list.reduce((a, b) => a + b, 0);
}

/** Longest example, in tokens, unless settings or model say otherwise. */
const USUAL_LENGTH = 1024;

/**
 * Most tokens of an example.
 *
 * @throws RangeError for more than the model has positions.
 */
export function lengthLimit(
  wanted: number | null,
  { maxPositions }: { readonly maxPositions: number },
): number {
  if (wanted === null) return Math.min(USUAL_LENGTH, maxPositions);
  if (wanted <= maxPositions) return wanted;
  throw new RangeError(
    `Cannot use --max-length ${wanted}: expected at most the model's ${maxPositions} positions`,
  );
}
