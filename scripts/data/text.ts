import type { Histogram, Sample, SamplePiece } from "lib/plot/data_page.ts";
import { warn } from "lib/cli/terminal.ts";
import { type Marked, visibleText } from "lib/cli/terminal_text.ts";
import type { BadRows } from "lib/data/open_rows.ts";

/** Characters of the longest bar. */
const BAR = 40;

/** A histogram as lines of bars, a block for each series, from the first bin in use to the last. */
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

/** A sample for the terminal, long texts without their middle. */
export function sampleParts(
  { location, prompt, completions }: Sample,
): Marked[] {
  const parts = completions.flatMap(({ name, pieces }) => [
    plain(`\n\n${name}:\n`),
    ...shortened(pieces, { head: 300, tail: 100 }).map(marked),
  ]);
  return [
    plain(`${location}\n${prompt.name}:\n`),
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

/** Pieces with a gap in the middle of a long text. */
function shortened(
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

/** Shortest gap: about as long as the text that announces it. */
const GAP = 80;

/** The first or last pieces with so many characters; the last one taken is cut. */
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
