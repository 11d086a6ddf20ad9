import { type HubOptions, resolveData } from "../hub/resolve.ts";
import { sourceName } from "../record/record.ts";
import { goodRows, type SourceRow } from "./containers/reading.ts";
import { streamRows } from "./containers/read_rows.ts";
import { formatsBeside, registeredDataset } from "./dataset_info.ts";
import type { DataKind, Example } from "./example.ts";
import { type Format, NoPreference } from "./formats/format.ts";
import { findFormat, recogniseFormat } from "./formats/registry.ts";
import { refuseChanged, unreadColumns } from "./formats/unread_columns.ts";
import type { PreferenceRow } from "./preference_row.ts";

/** Hears how a download goes on. */
export type DownloadHooks = Pick<HubOptions, "onFile" | "onWait">;

/** Rows already in memory, with the columns that a data file would have. */
export interface RowsInMemory {
  /** Name in messages and records. */
  readonly name: string;
  /** The rows, each by column. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** Tokenized examples already in memory. */
export interface ExamplesInMemory {
  /** Name in messages and records. */
  readonly name: string;
  /** Kind of the examples. */
  readonly kind: DataKind;
  /** The examples. */
  readonly examples: readonly Example[];
}

/**
 * Preference data: a path, a Hub id `ID[@REVISION][:SPLIT]`, an entry of a
 * registry `DIR/dataset_info.json:NAME`, or rows or examples in memory.
 */
export type DataLocation = string | RowsInMemory | ExamplesInMemory;

/** Options of {@linkcode openRows}. */
export interface RowOptions {
  /** Most rows to read. @default Infinity */
  readonly limit?: number | undefined;
  /**
   * Layout of the rows. @default that of the registry's entry, else of a
   * `dataset_info.json` beside the file, else the first row's
   */
  readonly format?: string | Format | undefined;
  /** Whether rows that cannot be read are left out. @default false */
  readonly skipBadRows?: boolean | undefined;
}

/** Rows that were left out because they could not be read. */
export interface BadRows {
  count: number;
  /** Messages of the first ones. */
  readonly errors: string[];
}

/** Parts of the rows that do not reach training; the numbers grow as rows are read. */
export interface RowNotes {
  /** Columns that nobody reads, and the rows that fill them. */
  readonly unread: Map<string, number>;
  /** Columns of values that decide nothing and cannot be read, and their rows. */
  readonly leftOut: Map<string, number>;
  /** Rows left out because they prefer neither answer. */
  ties: number;
  /**
   * Verdicts of ties and their rows: values that a format knows for neither
   * answer, {@linkcode MOST_VERDICTS} of them.
   */
  readonly verdicts: Map<string, number>;
}

/** Preference data that is read row by row. */
export interface RowReader extends AsyncDisposable {
  /** Name in records. */
  readonly name: string;
  /** Files that hold the rows; none for rows in memory. */
  readonly files: readonly string[];
  readonly kind: DataKind;
  /** Name of the rows' layout. */
  readonly format: string;
  /** Form of the first row. */
  readonly form: PreferenceRow["form"];
  /** Columns of the first row. */
  readonly columns: readonly string[];
  /** Grows as rows are read. */
  readonly bad: BadRows;
  readonly notes: RowNotes;
  /** Notes the error of a bad row where those are left out, else throws it. */
  refuse(error: Error): void;
  /** The rows, once: each file is opened when its turn comes. */
  rows(): AsyncGenerator<PreferenceRow>;
}

/** Most different verdicts that {@linkcode RowNotes} keeps. */
const MOST_VERDICTS = 10;

/** Most error messages that {@linkcode BadRows} keeps. */
const MOST_ERRORS = 10;

/**
 * Opens preference data and reads its first row.
 *
 * @throws Error that names file and row where the data cannot be read, or
 * where its rows are of more than one kind.
 */
export async function openRows(
  location: DataLocation,
  { limit = Infinity, format, skipBadRows = false }: RowOptions = {},
  hooks: DownloadHooks = {},
): Promise<RowReader> {
  const stated = typeof format === "string" ? findFormat(format) : format;
  const bad: BadRows = { count: 0, errors: [] };
  const notes: RowNotes = {
    unread: new Map(),
    leftOut: new Map(),
    ties: 0,
    verdicts: new Map(),
  };
  let cause: Error | undefined;
  const refuse = (error: Error) => {
    if (!skipBadRows) throw error;
    cause ??= error;
    bad.count++;
    if (bad.errors.length < MOST_ERRORS) bad.errors.push(error.message);
  };
  const { name, files, parsed, most = Infinity } = typeof location === "string"
    ? await openFiles(location, { format: stated, refuse, notes, hooks })
    : {
      ...inMemory(location, { format: stated, refuse, notes }),
      files: [],
      most: undefined,
    };
  const { value: first } = await parsed.next();
  if (!first) {
    throw new Error(
      `Cannot use ${files.join(", ") || name}: ` +
        `expected rows that can be read, found none${exceptTies(notes)}`,
      { cause },
    );
  }
  const { kind } = first;
  const close = async () => void await parsed.return(undefined);
  return {
    name,
    files,
    kind,
    format: first.format,
    form: first.row.form,
    columns: first.columns,
    bad,
    notes,
    refuse,
    async *rows() {
      let left = Math.min(limit, most);
      try {
        for (let next = first; next; next = (await parsed.next()).value!) {
          if (next.kind !== kind) throw mixedKinds(name, [kind, next]);
          yield next.row;
          if (--left === 0) return;
        }
      } finally {
        await close();
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

/** ` except 3 ties, whose verdicts are for neither answer: label 1 (2)` */
function exceptTies({ ties, verdicts }: RowNotes): string {
  if (ties === 0) return "";
  const all = Array.from(verdicts, ([verdict, rows]) => `${verdict} (${rows})`);
  return ` except ${ties} ${ties === 1 ? "tie" : "ties"}` +
    (all.length > 0
      ? `, with verdicts that the format knows for neither answer: ${
        all.join(", ")
      }`
      : "");
}

function mixedKinds(name: string, [kind, other]: [DataKind, ParsedRow]) {
  return new Error(
    `Cannot mix ${kind} and ${other.kind} (${other.row.location}) in ${name}: ` +
      "expected one kind",
  );
}

/** A row, and what its file's layout is. */
interface ParsedRow {
  readonly row: PreferenceRow;
  readonly kind: DataKind;
  /** Name of the layout. */
  readonly format: string;
  readonly columns: readonly string[];
}

type ParsedRows = AsyncGenerator<ParsedRow, undefined>;

interface ParseOptions {
  readonly format: Format | undefined;
  readonly refuse: (error: Error) => void;
  readonly notes: RowNotes;
}

async function openFiles(
  location: string,
  { format, hooks, ...options }: ParseOptions & { hooks: DownloadHooks },
) {
  const entry = await registeredDataset(location);
  const { files, source } = await resolveData(
    entry?.location ?? location,
    // LLaMA-Factory takes this split where an entry names none.
    { ...hooks, ...entry && { split: "train" } },
  );
  const known = format ?? entry?.format;
  const parsed = parseFiles(files, { ...options, format: known });
  return { name: sourceName(source), files, parsed, most: entry?.limit };
}

async function* parseFiles(
  files: readonly string[],
  { format, ...options }: ParseOptions,
): ParsedRows {
  const formatBeside = formatsBeside();
  for (const file of files) {
    const known = format ?? await formatBeside(file) ?? undefined;
    const rows = streamRows(file, { onBadRow: options.refuse });
    yield* parseRows(rows, { ...options, format: known });
  }
}

/** Reads rows of one layout: the given one, or that of the first good row. */
async function* parseRows(
  rows: Iterable<SourceRow> | AsyncIterable<SourceRow>,
  { format: stated, refuse, notes }: ParseOptions,
): ParsedRows {
  let format = stated;
  const parse = (source: SourceRow): ParsedRow | null => {
    format ??= recogniseFormat(source);
    const parsed = unlessTie(source, format, notes);
    if (parsed === null) return null;
    const { leftOut = [], ...row } = parsed;
    const unread = unreadColumns(source, format, row);
    if (stated === undefined) refuseChanged(source, unread, { row, format });
    count(notes.unread, unread);
    count(notes.leftOut, leftOut);
    const { name, kind } = format;
    return { row, kind, format: name, columns: Object.keys(source.fields) };
  };
  yield* goodRows(rows, parse, refuse);
}

/** The row; null of a tie, which is noted. */
function unlessTie(
  source: SourceRow,
  format: Format,
  notes: RowNotes,
): PreferenceRow | null {
  try {
    return format.parse(source);
  } catch (error) {
    if (!(error instanceof NoPreference)) throw error;
    const { verdicts } = notes;
    const { verdict } = error;
    const isKept = verdict !== undefined &&
      (verdicts.has(verdict) || verdicts.size < MOST_VERDICTS);
    if (isKept) count(verdicts, [verdict]);
    notes.ties++;
    return null;
  }
}

function count(columns: Map<string, number>, names: readonly string[]): void {
  for (const name of names) columns.set(name, (columns.get(name) ?? 0) + 1);
}

function inMemory(
  location: RowsInMemory | ExamplesInMemory,
  options: ParseOptions,
): { name: string; parsed: ParsedRows } {
  const { name } = location;
  const parsed = "examples" in location ? exampleRows(location) : parseRows(
    location.rows.map((fields, i) => ({
      location: `${name}, row ${i + 1}`,
      fields,
    })),
    options,
  );
  return { name, parsed };
}

/** Examples as rows of token ids. */
async function* exampleRows(
  { name, kind, examples }: ExamplesInMemory,
): ParsedRows {
  for (const [i, example] of examples.entries()) {
    const location = `${name}, example ${i + 1}`;
    yield {
      row: { form: "ids", ...example, location },
      kind,
      format: `ids-${kind}`,
      columns: [],
    };
  }
}
