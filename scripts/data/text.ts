import type {
  Histogram,
  Sample,
  SamplePiece,
  Sequence,
} from "lib/plot/data_page.ts";
import { warn } from "lib/cli/terminal.ts";
import { type Marked, visibleText } from "lib/cli/terminal_text.ts";
import type { BadRows } from "lib/data/open_rows.ts";
import type { Lengths } from "lib/data/analyse/lengths.ts";
import {
  type DataKind,
  type Example,
  lossLengths,
  type PreferenceRow,
} from "lib/data/example.ts";
import { binCounts, wholeBins } from "lib/stats/describe.ts";
import { quantile } from "lib/stats/interval.ts";
import { tokenPieces } from "lib/data/analyse/token_pieces.ts";
import { completionTexts } from "lib/data/analyse/key_table.ts";
import type { Message } from "lib/data/messages.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";

/** Characters of the longest bar. */
const BAR = 40;

/** A histogram as lines of bars, one block a series, from the first bin in use to the last. */
export function histogramText(
  { title, width, axis, series }: Histogram,
): string {
  const most = Math.max(...series.flatMap(({ counts }) => counts));
  const blocks = series.map(({ name, counts }) => {
    const last = counts.findLastIndex((n) => n > 0);
    const digits = String(last * width).length;
    const lines = counts.map((n, bin) => {
      const from = String(bin * width).padStart(digits);
      const length = Math.max(Number(n > 0), Math.round(BAR * n / most));
      return `  ${from}  ${"█".repeat(length)} ${n}`;
    });
    const first = counts.findIndex((n) => n > 0);
    return [`${name} (${axis})`, ...lines.slice(first, last + 1)].join("\n");
  });
  return [title, ...blocks].join("\n");
}

/** What a sample shows in the terminal: the ends of what is long. */
export function sampleParts({ place, prompt, completions }: Sample): Marked[] {
  const parts = completions.flatMap(({ name, pieces }) => [
    plain(`\n\n${name}:\n`),
    ...shortened(pieces, { head: 300, tail: 100 }).map(marked),
  ]);
  return [
    plain(`${place}\n${prompt.name}:\n`),
    ...shortened(prompt.pieces, { head: 200, tail: 200 }).map(marked),
    ...parts,
    plain("\n"),
  ];
}

function marked({ text, scored, special }: SamplePiece): Marked {
  return { text, marked: scored, special };
}

function plain(text: string): Marked {
  return { text, marked: false };
}

/** Warns of rows that were left out. */
export function tellBadRows({ count, errors }: BadRows): void {
  if (count === 0) return;
  const more = count > errors.length ? [`… ${count - errors.length} more`] : [];
  const lines = [...errors.map(visibleText), ...more];
  warn([`${count} bad rows were left out:`, ...lines].join("\n  "));
}

/** What the two sides of each kind of data are called. */
const SIDES: Record<DataKind, readonly [better: string, worse: string]> = {
  pairs: ["chosen", "rejected"],
  labels: ["desirable", "undesirable"],
  ranks: ["best", "others"],
};

/** The lengths of each part of a file by its name, parts that are missing left out. */
export function namedLengths(
  { prompts, better, worse }: Lengths,
  kind: DataKind,
): [name: string, lengths: readonly number[]][] {
  const [first, second] = SIDES[kind];
  const parts: [string, readonly number[]][] = [
    ["prompt", prompts],
    [first, better],
    [second, worse],
  ];
  return parts.filter(([, lengths]) => lengths.length > 0);
}

/** Lengths as histograms: of prompts, and of both sides in the same bins. */
export function lengthHistograms(
  lengths: Lengths,
  kind: DataKind,
): Histogram[] {
  const [prompts, ...sides] = namedLengths(lengths, kind);
  const { unit } = lengths;
  return [
    histogram([prompts!], { title: "Prompts", unit }),
    histogram(sides, { title: "Completions", unit }),
  ];
}

function histogram(
  parts: readonly (readonly [name: string, lengths: readonly number[]])[],
  { title, unit }: { title: string; unit: string },
): Histogram {
  const bins = wholeBins(parts.flatMap(([, lengths]) => [...lengths]));
  return {
    title,
    axis: unit,
    note: parts.map(([name, lengths]) => `${name}: ${summary(lengths)}`)
      .join("; "),
    width: bins.width,
    series: parts.map(([name, lengths]) => ({
      name,
      counts: binCounts(lengths, bins),
    })),
  };
}

function summary(lengths: readonly number[]): string {
  const [low, middle, high] = [0, 0.5, 1].map((p) => quantile(lengths, p));
  return `median ${middle}, ${low} to ${high}`;
}

/** How a row's completions are called, and which of them are wanted. */
function sides({ label, completions, scores }: PreferenceRow) {
  if (label !== undefined) {
    return [{ side: label ? "desirable" : "undesirable", wanted: label }];
  }
  const pair = completions.length === 2 && scores === undefined;
  return completions.map((_, rank) => ({
    side: pair ? ["chosen", "rejected"][rank]! : `rank ${rank + 1}`,
    wanted: rank === 0,
  }));
}

/** A row as it is written. */
export function textSample(row: PreferenceRow): Sample {
  const prompt = row.form === "chat" ? turnsText(row.prompt) : `${row.prompt}`;
  const texts = row.form === "ids"
    ? row.completions.map(String)
    : completionTexts(row);
  const sequence = (name: string, text: string, wanted: boolean | null) => ({
    name: `${name}, ${text.length} characters`,
    wanted: wanted === true,
    pieces: [{ text, scored: wanted !== null, special: false }],
  });
  return {
    place: row.location,
    prompt: sequence("prompt", prompt, null),
    completions: sides(row).map(({ side, wanted }, i) =>
      sequence(side, texts[i]!, wanted)
    ),
  };
}

/** A row as it is trained on. */
export function tokenSample(
  row: PreferenceRow,
  { prompt, completions, lossMask }: Example,
  tokenizer: Tokenizer,
): Sample {
  const scoredCounts = lossLengths({
    completions,
    ...lossMask && { lossMask },
  });
  const answers = sides(row).map(({ side, wanted }, k): Sequence => {
    const ids = completions[k]!;
    const count = scoredCounts[k] === ids.length
      ? ""
      : ` (${scoredCounts[k]} scored)`;
    return {
      name: `${side}, ${ids.length} tokens${count}`,
      wanted,
      // Decoded with the prompt: a piece may need what is before it.
      pieces: tokenPieces([...prompt, ...ids], tokenizer)
        .map((piece) => ({ ...piece, at: piece.end - prompt.length }))
        .filter(({ at }) => at >= 0)
        .map(({ text, special, at }) => ({
          text,
          special,
          scored: lossMask?.[k]?.[at] ?? true,
        })),
    };
  });
  return {
    place: row.location,
    prompt: {
      name: `prompt, ${prompt.length} tokens`,
      wanted: false,
      pieces: tokenPieces(prompt, tokenizer)
        .map(({ text, special }) => ({ text, special, scored: false })),
    },
    completions: answers,
  };
}

function turnsText(turns: readonly Message[]): string {
  return turns.map(({ role, content }) => `${role}: ${content}`).join("\n");
}

/** Pieces whose text, where it is long, has a gap in its middle. */
export function shortened(
  pieces: readonly SamplePiece[],
  { head, tail }: { head: number; tail: number },
): SamplePiece[] {
  const total = pieces.reduce((sum, { text }) => sum + text.length, 0);
  if (total <= head + tail + GAP) return [...pieces];
  const gap = {
    text: ` [… ${total - head - tail} characters …] `,
    scored: false,
    special: false,
  };
  return [...firstOf(pieces, head), gap, ...firstOf(pieces, tail, true)];
}

/** A gap shorter than what announces it would be silly. */
const GAP = 80;

/** About so many characters of pieces, from their beginning or end; text alone is cut. */
function firstOf(
  pieces: readonly SamplePiece[],
  characters: number,
  fromEnd = false,
): SamplePiece[] {
  const taken: SamplePiece[] = [];
  let left = characters;
  for (const piece of fromEnd ? pieces.toReversed() : pieces) {
    if (left <= 0) break;
    const text = fromEnd ? piece.text.slice(-left) : piece.text.slice(0, left);
    taken.push({ ...piece, text });
    left -= text.length;
  }
  return fromEnd ? taken.reverse() : taken;
}
