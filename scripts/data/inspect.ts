import {
  lengthHistograms,
  type Lengths,
  namedLengths,
} from "lib/data/analyse/lengths.ts";
import {
  type Frequencies,
  type Overview,
  overviewCounter,
} from "lib/data/analyse/classes.ts";
import type { DataKind } from "lib/data/example.ts";
import {
  dataPageHtml,
  type DataSheet,
  type Sample,
} from "lib/plot/data_page.ts";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { quantile } from "lib/stats/interval.ts";
import { say, sayMarked, table } from "lib/cli/terminal.ts";
import { visibleText } from "lib/cli/terminal_text.ts";
import { placesText } from "./check.ts";
import { DataChecks } from "lib/data/analyse/checks.ts";
import { histogramText, sampleParts, tellBadRows } from "./text.ts";
import { textSample, tokenSample } from "lib/data/analyse/samples.ts";
import { inputProgress } from "../train/download_progress.ts";
import {
  openRows,
  type RowOptions,
  type RowReader,
} from "lib/data/open_rows.ts";
import { openTokens, type TokenSettings } from "./tokens.ts";

export interface InspectOptions extends RowOptions, TokenSettings {
  /** Rows to show. */
  readonly samples: number;
  /** Page to write, with the findings of all checks. */
  readonly html?: string;
}

/** Describes preference data, and shows rows as training sees them. */
export async function inspect(
  path: string,
  { html, samples: wanted, ...options }: InspectOptions,
): Promise<void> {
  const tokenizing = await openTokens(options);
  await using data = await openRows(path, options, inputProgress());
  const { kind, files, bad } = data;
  const overview = overviewCounter();
  const lengthsOnly = html === undefined;
  const checks = new DataChecks(data, { tokenizing, lengthsOnly });
  const samples: Sample[] = [];
  for await (const row of data.rows()) {
    overview.add(row);
    const example = checks.add(row);
    if (example === null || samples.length >= wanted) continue;
    const sample = example && tokenizing
      ? tokenSample(row, example, tokenizing.tokenizer)
      : textSample(row);
    samples.push({
      ...sample,
      location: placesText([sample.location], files),
    });
  }
  checks.assertLeft();
  const lengths = checks.lengths.lengths();
  const sheet: DataSheet = {
    title: data.name,
    facts: facts(data, overview.overview()),
    findings: [],
    histograms: lengthHistograms(lengths, kind),
    samples,
  };
  print(sheet, lengths, kind);
  tellBadRows(bad);
  if (html === undefined) return;
  const findings = checks.findings()
    .map((found) => ({ ...found, places: placesText(found.places, files) }));
  await writePage(html, { ...sheet, findings });
}

function print(
  { facts, histograms, samples }: DataSheet,
  lengths: Lengths,
  kind: DataKind,
): void {
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, text] of facts) {
    say(`${name.padEnd(width)}  ${visibleText(text)}`);
  }
  say("");
  table(
    namedLengths(lengths, kind).map(([part, values]) => ({
      [lengths.unit]: part,
      ...spread(values),
    })),
  );
  for (const histogram of histograms) say(`\n${histogramText(histogram)}`);
  for (const sample of samples) {
    say("");
    sayMarked(sampleParts(sample));
  }
}

async function writePage(path: string, sheet: DataSheet): Promise<void> {
  const html = dataPageHtml(sheet);
  await writeTextAtomically(path, html);
  say(`Wrote ${path}`);
}

function spread(values: readonly number[]) {
  const at = (p: number) => Math.round(quantile(values, p));
  const [low, middle, high] = [at(0.05), at(0.5), at(0.95)];
  return { min: at(0), "5 %": low, median: middle, "95 %": high, max: at(1) };
}

function facts(
  { name, kind, format, columns, notes }: RowReader,
  { rows, forms, completions, turns, roles, ...counts }: Overview,
): [string, string][] {
  const all: [string, string][] = [
    ["source", name],
    ["format", format],
    ["columns", columns.join(", ")],
    [
      "columns not read",
      [...notes.unread.keys()].map((name) => name || '""').join(", "),
    ],
    ["values left out", rowsText(notes.leftOut)],
    ["ties left out", notes.ties > 0 ? String(notes.ties) : ""],
    ["verdicts of ties", rowsText(notes.verdicts)],
    ["rows", `${rows}, ${kind}`],
    ["form", listed(forms)],
    ["completions a row", listed(completions)],
    ["messages a prompt", listed(turns)],
    ["messages by role", listed(roles)],
    ...Object.entries(counts).map(([what, n]): [string, string] => [
      `rows with ${what}`,
      n === 0 ? "" : String(n),
    ]),
  ];
  return all.filter(([, text]) => text);
}

/** `score_chosen (3 rows)` */
function rowsText(columns: ReadonlyMap<string, number>): string {
  return Array.from(columns, ([name, rows]) => `${name} (${rows} rows)`)
    .join(", ");
}

/** `1: 200, 3: 40`, or the key alone where there is only one. */
function listed(frequencies: Frequencies): string {
  if (frequencies.size === 1) return [...frequencies.keys()].join();
  return [...frequencies]
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([key, n]) => `${key}: ${n}`).join(", ");
}
