import { resolve } from "node:path";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { portablePath } from "lib/record/record.ts";
import { sha256File } from "lib/record/sha256.ts";
import { UsageError } from "lib/cli/flags.ts";
import { say } from "lib/cli/terminal.ts";
import type { ConversionSettings } from "lib/data/convert/convert.ts";
import { containerOf, writeRows } from "lib/data/write/rows_file.ts";
import {
  layoutOutput,
  type Output,
  type Target,
  tokenOutput,
} from "./outputs.ts";
import { inputProgress } from "../train/download_progress.ts";
import {
  openRows,
  type RowOptions,
  type RowReader,
} from "lib/data/open_rows.ts";
import { tellBadRows } from "./text.ts";
import type { TokenSettings } from "./tokens.ts";

/** Options of {@linkcode convert}. */
export type ConvertOptions =
  & RowOptions
  & ConversionSettings
  & TokenSettings
  & {
    readonly to?: Target;
    /** File to write. */
    readonly out?: string;
  };

/** Writes data for other trainers, with a record of its conversions. */
export async function convert(
  path: string,
  { to, out, ...options }: ConvertOptions,
): Promise<void> {
  if (to === undefined || out === undefined) {
    throw new UsageError(
      "Missing flag of convert: expected --to and --out FILE",
    );
  }
  containerOf(out);
  await using data = await openRows(path, options, inputProgress());
  if (data.files.some((file) => resolve(file) === resolve(out))) {
    throw new Error(`Cannot write ${out}: it is the data that is converted`);
  }
  const output = to === "tokens"
    ? await tokenOutput(data, options)
    : await layoutOutput(data, { ...options, to });
  const written = await writeRows(out, output.rows);
  const extra = await output.finish?.(out);
  const record = { ...await recordOf(data, output), seed: options.seed };
  await writeJson(`${out}.record.json`, {
    ...record,
    written: { rows: written, sha256: await sha256File(out) },
  });
  for (const { name, counts } of output.conversions) {
    say(`--${name}: ${countsText(counts)}`);
  }
  tellBadRows(data.bad);
  say(`Wrote ${written} rows (format ${output.format}) to ${out}`);
  say(`Wrote ${out}.record.json${extra ? ` and ${extra}` : ""}`);
}

async function recordOf(
  { name, files, kind, format, bad }: RowReader,
  output: Output,
) {
  return {
    about: "What a file of preferences was made of, and how",
    source: {
      name,
      files: await Promise.all(files.map(async (file) => ({
        path: portablePath(file),
        sha256: await sha256File(file),
      }))),
      kind,
      format,
      badRows: bad.count,
    },
    format: output.format,
    conversions: output.conversions,
    ...output.facts(),
  };
}

/** `pairs 12, ties 1` */
function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts).map(([what, n]) => `${what} ${n}`).join(", ");
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeTextAtomically(path, JSON.stringify(value, null, 1) + "\n");
}
