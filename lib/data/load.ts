import type { DataSource } from "../record/record.ts";
import { sha256File } from "../record/sha256.ts";
import {
  type Conversion,
  type ConversionSettings,
  convertRows,
} from "./convert/convert.ts";
import {
  type DataKind,
  type Example,
  hasEqualCompletions,
  hashExamples,
} from "./example.ts";
import {
  type DataLocation,
  type DownloadHooks,
  openRows,
  type RowOptions,
} from "./open_rows.ts";
import { type PreferenceRow, textsOf } from "./preference_row.ts";
import { type TokenizeOptions, tokenizeRows } from "./tokenize/tokenize.ts";

/** Options of {@linkcode loadExamples}. */
export interface LoadOptions extends TokenizeOptions, RowOptions {
  /** Purpose of the data in a record: `train`, `eval` … */
  readonly role: string;
  /** Changes to the rows before they are tokenized. @default none */
  readonly conversions?: ConversionSettings;
  /** Takes each example with the row that it was made of. @default nothing */
  readonly onExample?: (example: Example, row: PreferenceRow) => void;
}

/** Tokenized examples, and their description for a record. */
export interface LoadedExamples {
  /** Kind of the examples. */
  readonly kind: DataKind;
  /** In the order of the rows. */
  readonly examples: readonly Example[];
  /** Source, hash and counts of the rows. */
  readonly description: DataSource;
}

/**
 * Reads, converts and tokenizes preference data.
 *
 * @example A pair of token ids
 * ```ts
 * import { loadExamples } from "@prefgrad/prefgrad/data";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const row = { "prompt_ids": [3], "chosen_ids": [4, 2], "rejected_ids": [5, 2] };
 * const { kind, examples } = await loadExamples(
 *   { name: "one pair", rows: [row] },
 *   { role: "train", tokenizer: null, vocabularySize: 6 },
 * );
 * deepStrictEqual(kind, "pairs");
 * deepStrictEqual(examples, [{ prompt: [3], completions: [[4, 2], [5, 2]] }]);
 * ```
 *
 * @throws Error that names file and row of the first thing that is wrong, or
 * says why no example is left.
 */
export async function loadExamples(
  location: DataLocation,
  { role, conversions: wanted = {}, ...options }: LoadOptions,
  hooks: DownloadHooks = {},
): Promise<LoadedExamples> {
  const source = await openRows(location, options, hooks);
  const rows = await Array.fromAsync(source.rows());
  const { conversions, ...converted } = convertRows(
    { kind: source.kind, rows },
    wanted,
  );
  if (converted.rows.length === 0) {
    throw new Error(
      `Cannot use ${source.name}: conversions leave none of its ${rows.length} rows`,
    );
  }
  const { kind, examples, counts } = await tokenizeRows(converted, {
    ...options,
    onBadRow: source.refuse,
  });
  const { unread, leftOut, ties } = source.notes;
  const files = await Promise.all(source.files.map(sha256File));
  const equal = examples.filter(hasEqualCompletions).length;
  const halves = converted.rows
    .filter((row) => textsOf(row).some((text) => !text.isWellFormed())).length;
  const plainText = options.tokenizer?.chatTemplate && !options.template
    ? converted.rows.filter(({ form }) => form === "text").length
    : 0;
  const { leftOut: parts, places: _, dropped, ...tokenized } = counts;
  const { unterminated, doubledEos, ...numbers } = tokenized;
  return {
    kind,
    examples,
    description: {
      role,
      source: source.name,
      sha256: hashExamples({ examples }),
      ...files.length > 0 && { files },
      format: source.format,
      ...unread.size > 0 && { unreadColumns: [...unread.keys()].sort() },
      ...conversions.length > 0 && { conversions: conversions.map(recorded) },
      counts: {
        ...numbers,
        systemDropped: 0,
        ...parts,
        dropped: Object.values(dropped).reduce((a, b) => a + b, 0),
        ...Object.fromEntries(
          Object.entries(dropped).filter(([, rows]) => rows > 0),
        ),
        skipped: source.bad.count,
        ...equal > 0 && { equalCompletions: equal },
        ...halves > 0 && { halfCharacters: halves },
        ...plainText > 0 && { plainText },
        ...ties > 0 && { ties },
        ...leftOut.size > 0 && { leftOut: Math.max(...leftOut.values()) },
        ...unterminated !== null && { unterminated },
        ...doubledEos !== null && { doubledEos },
      },
    },
  };
}

function recorded({ name, setting, counts }: Conversion) {
  return { name, setting, counts: { ...counts } };
}
/** Longest example, in tokens, unless settings or model say otherwise. */
const DEFAULT_MAX_LENGTH = 1024;

/**
 * Most tokens of an example.
 *
 * @throws RangeError for more than the model has positions.
 */
export function lengthLimit(
  wanted: number | null,
  { maxPositions }: { readonly maxPositions: number },
): number {
  if (wanted === null) return Math.min(DEFAULT_MAX_LENGTH, maxPositions);
  if (wanted <= maxPositions) return wanted;
  throw new RangeError(
    `Cannot use --max-length ${wanted}: expected at most the model's ${maxPositions} positions`,
  );
}
