import type { Finding } from "lib/data/analyse/count_findings.ts";
import { see, type SeenRows, seenRows } from "lib/data/analyse/repeats.ts";
import { say, table } from "lib/cli/terminal.ts";
import { visibleText } from "lib/cli/terminal_text.ts";
import { DataChecks } from "lib/data/analyse/checks.ts";
import { inputProgress } from "../train/download_progress.ts";
import {
  openRows,
  type RowOptions,
  type RowReader,
} from "lib/data/open_rows.ts";
import { tellBadRows } from "./text.ts";
import { openTokens, type TokenSettings } from "./tokens.ts";

export interface CheckOptions extends RowOptions, TokenSettings {
  /** Evaluation data that must not be in the file. */
  readonly eval?: string;
  /** Whether to print JSON. */
  readonly json: boolean;
  /** Whether a finding of something wrong is an error. */
  readonly strict: boolean;
}

/**
 * Prints the findings of all checks of preference data.
 *
 * @throws Error that names the wrong findings, where `strict` asks for it.
 */
export async function check(
  path: string,
  options: CheckOptions,
): Promise<void> {
  const { eval: evalPath, skipBadRows, json, strict } = options;
  const tokenizing = await openTokens(options);
  const evaluation = evalPath === undefined
    ? undefined
    : await remember(evalPath, skipBadRows);
  await using data = await openRows(path, options, inputProgress());
  const checks = new DataChecks(data, { tokenizing, evaluation });
  for await (const row of data.rows()) checks.add(row);
  const { rows } = checks;
  const findings = checks.findings();
  if (json) say(reportJson(data, { rows, findings }));
  else print(data, { rows, findings });
  if (strict) refuse(path, findings);
}

interface Report {
  readonly rows: number;
  readonly findings: readonly Finding[];
}

function reportJson({ name, kind, format, bad }: RowReader, report: Report) {
  return JSON.stringify(
    { source: name, kind, format, ...report, bad },
    null,
    1,
  );
}

function print(
  { files, kind, format, bad }: RowReader,
  { rows, findings }: Report,
): void {
  say(`${rows} rows: ${kind} (format ${format})\n`);
  const found = findings.filter(({ count }) => count > 0);
  const none = findings.filter(({ count }) => count === 0);
  table(found.map(({ verdict, check, count, places }) => ({
    verdict,
    check,
    rows: count,
    "first places": placesText(places, files),
  })));
  for (const { verdict, check, says } of found) {
    if (says) say(`\n${verdict}: ${check}\n  ${visibleText(says)}`);
  }
  const others = none.map(({ check }) => check).join(", ");
  say(`\nok: ${none.length} other checks found nothing\n  ${others}`);
  tellBadRows(bad);
}

/** Locations as text, without the file's name where there is only one file. */
export function placesText(
  places: readonly string[],
  files: readonly string[],
): string {
  const text = places.join("; ");
  return files.length === 1 ? text.replaceAll(`${files[0]}, `, "") : text;
}

function refuse(path: string, findings: readonly Finding[]): void {
  const wrong = findings.filter(({ verdict }) => verdict === "wrong");
  if (wrong.length === 0) return;
  throw new Error(
    `Cannot pass ${path} (--strict): ${
      wrong.map(({ check, count }) => `${count} ${check}`).join(", ")
    }`,
  );
}

async function remember(
  path: string,
  skipBadRows: RowOptions["skipBadRows"],
): Promise<SeenRows> {
  const seen = seenRows();
  await using data = await openRows(path, { skipBadRows }, inputProgress());
  for await (const row of data.rows()) see(row, seen);
  return seen;
}
