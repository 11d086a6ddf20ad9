import { hashExamples } from "lib/data/describe_examples.ts";
import type { DataKind, Example } from "lib/data/example.ts";
import { type TokenizeOptions, tokenizeRows } from "lib/data/tokenize.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import type { DataSource } from "lib/record.ts";
import {
  type Conversion,
  type ConversionSettings,
  convertRows,
} from "./data_conversions.ts";
import { type DownloadHooks, openPreferences } from "./data_source.ts";

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
  { maxPositions }: DecoderConfig,
): number {
  if (wanted === null) return Math.min(USUAL_LENGTH, maxPositions);
  if (wanted <= maxPositions) return wanted;
  throw new RangeError(
    `Cannot use --max-length ${wanted}: expected at most the model's ${maxPositions} positions`,
  );
}
