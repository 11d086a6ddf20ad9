import { type SourceRow, unreadable } from "../containers/reading.ts";
import type { Format } from "./format.ts";
import { halosFormats } from "./halos.ts";
import { hhRlhf, hhRlhfPrompt, openai } from "./openai.ts";
import { idFormats } from "./ids.ts";
import {
  alpacaFormats,
  llamafactoryV1,
  sharegptFormats,
} from "./llamafactory.ts";
import { knownChats, knownSets } from "./known_sets.ts";
import { isMapping, MAPPING_HELP, mappingFormat } from "./mapping.ts";
import { ranks, trlLabels, trlPairs } from "./trl.ts";
import { ultrafeedbackFormats } from "./ultrafeedback.ts";

/** Every known layout; a file has the first one that its first row fits. */
export const FORMATS: readonly Format[] = [
  ...idFormats,
  ...halosFormats,
  openai,
  llamafactoryV1,
  ...sharegptFormats,
  hhRlhfPrompt,
  ...knownChats,
  ...trlPairs,
  hhRlhf,
  ...alpacaFormats,
  ...trlLabels,
  ...ultrafeedbackFormats,
  ...knownSets,
  ...ranks,
];

const SETS: ReadonlySet<Format> = new Set([...knownChats, ...knownSets]);

/**
 * The known format of a name, or the format that a mapping describes.
 *
 * @throws RangeError for a name that is not known, or for a bad mapping.
 */
export function findFormat(name: string): Format {
  if (isMapping(name)) return mappingFormat(name);
  const known = FORMATS.find((format) => format.name === name);
  if (known) return known;
  throw new RangeError(
    `Cannot use format "${name}": expected one of ${names()}`,
  );
}

/** The first format that a row fits; `null` where it fits none. */
export function fittingFormat(row: SourceRow): Format | null {
  return FORMATS.find((format) => format.faults(row).length === 0) ?? null;
}

/**
 * The format that a file's first row has by its columns and the form of their
 * values.
 *
 * @throws Error that names file and row where the row fits no format.
 */
export function recogniseFormat(row: SourceRow): Format {
  const fitting = fittingFormat(row);
  if (fitting) return fitting;
  const near = nearest(row);
  if (near) return near;
  const columns = Object.keys(row.fields).slice(0, 20).join(", ");
  throw unreadable(
    row.location,
    `unknown layout with the columns ${columns || "none"}; ` +
      nearestSet(row) + MAPPING_HELP,
  );
}

/** The known set that shares most of its columns with a row, in words. */
function nearestSet({ fields }: SourceRow): string {
  const [nearest] = knownSets
    .map((format) => ({
      format,
      shared: format.columns.filter((name) => name in fields).length /
        format.columns.length,
    }))
    .filter(({ shared }) => shared > 0)
    .sort((a, b) => b.shared - a.shared);
  if (!nearest) return "";
  const { name, summary, columns } = nearest.format;
  const lacks = columns.filter((column) => !(column in fields)).join(", ");
  return `the nearest known set is ${name} ("${summary}"), of which it lacks ` +
    `${lacks || "the types of values"}; `;
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
function nearest(row: SourceRow): Format | undefined {
  const { fields } = row;
  const tried = FORMATS.filter((format) => !SETS.has(format))
    .map((format): Tried => ({ format, faults: format.faults(row) }));
  const lacks = ({ faults: [fault] }: Tried) =>
    (fields[fault!] ?? null) === null;
  return tried
    .filter(({ faults }) => faults.length === 1)
    .filter((one) => !lacks(one) || one.format.columns.length > 2)
    .sort((a, b) =>
      Number(lacks(a)) - Number(lacks(b)) ||
      b.format.columns.length - a.format.columns.length
    )[0]?.format;
}

function names(): string {
  return FORMATS.map(({ name }) => name).join(", ");
}
