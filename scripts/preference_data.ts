import { hashExamples } from "lib/data/describe_examples.ts";
import type { DataKind, Example, ExampleSet } from "lib/data/example.ts";
import { parseRows } from "lib/data/formats.ts";
import { readRows } from "lib/data/read_rows.ts";
import { type TokenizeOptions, tokenizeRows } from "lib/data/tokenize.ts";
import { type FileProgress, resolveData } from "lib/hub.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import type { DataSource } from "lib/record.ts";
import { sourceName } from "./source_name.ts";

/** Examples of one file, or of several that belong together. */
export interface PreferenceData {
  readonly kind: DataKind;
  readonly examples: readonly Example[];
  readonly description: DataSource;
}

export interface DataOptions extends TokenizeOptions {
  /** What the data is for, as a record says it. */
  readonly role: string;
  readonly onFile?: ((progress: FileProgress) => void) | undefined;
}

/**
 * Reads preference data from a path or the Hub.
 *
 * @throws Error that names file and row of the first thing that is wrong.
 */
export async function readPreferences(
  pathOrId: string,
  { role, onFile = () => {}, ...options }: DataOptions,
): Promise<PreferenceData> {
  const { files, source } = await resolveData(pathOrId, { onFile });
  const sets = await Promise.all(
    files.map(async (file) =>
      tokenizeRows(parseRows(await readRows(file)), options)
    ),
  );
  const name = sourceName(source);
  const kind = sharedKind(sets, name);
  const examples = sets.flatMap(({ examples }) => examples);
  return {
    kind,
    examples,
    description: {
      role,
      source: name,
      sha256: hashExamples({ examples }),
      counts: countsOf(sets),
    },
  };
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

function sharedKind(sets: readonly ExampleSet[], name: string): DataKind {
  const [first, ...others] = new Set(sets.map(({ kind }) => kind));
  if (others.length === 0) return first!;
  throw new Error(
    `Cannot mix files of ${first} and of ${others} in ${name}: expected one kind`,
  );
}

function countsOf(sets: readonly ExampleSet[]): DataSource["counts"] {
  const total = (count: (counts: ExampleSet["counts"]) => number) =>
    sets.reduce((sum, { counts }) => sum + count(counts), 0);
  return {
    rows: total(({ rows }) => rows),
    truncated: total(({ truncated }) => truncated),
    dropped: total(({ dropped }) =>
      Object.values(dropped).reduce((a, b) => a + b)
    ),
    boundaryShifted: total(({ boundaryShifted }) => boundaryShifted),
  };
}
