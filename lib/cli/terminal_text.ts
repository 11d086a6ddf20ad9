import { basename } from "node:path";

/** The end of a system error in Deno: its number, and the call with its paths. */
const CALL = / \(os error \d+\)(?:: \w+ '([^']*)'(?: -> '[^']*')?)?/g;

/**
 * Text of an error in at most two lines, with its cause in parentheses if that
 * adds something. A system error keeps its words, and its file if nothing else
 * names it.
 *
 * @param options `debug` adds the stack and all causes.
 */
export function errorText(
  error: unknown,
  options: { debug?: boolean } = {},
): string {
  const { debug = false } = options;
  if (debug) return Deno.inspect(error);
  const message = linesOf(error).slice(0, 2).join("\n");
  const [cause] = error instanceof Error ? linesOf(error.cause ?? "") : [];
  const said = cause?.replace(CALL, "");
  const isNew = said !== undefined && !message.replace(CALL, "").includes(said);
  return withoutCalls(isNew ? `${message} (${cause})` : message);
}

function withoutCalls(text: string): string {
  return text.replace(CALL, (_, path: string | undefined, at: number) => {
    const isNamed = !path || text.slice(0, at).includes(basename(path));
    return isNamed ? "" : `: ${path}`;
  });
}

function linesOf(error: unknown): string[] {
  const text = error instanceof Error
    ? error.message || error.name
    : String(error);
  return text.split("\n").filter((line) => line.trim());
}

/** Breaks a text into lines at spaces; all except the first begin with a margin. */
export function wrappedText(
  text: string,
  options: { readonly margin: number; readonly columns: number },
): string[] {
  const { margin, columns } = options;
  if (text.length <= columns) return [text];
  const end = text.lastIndexOf(" ", columns);
  if (end <= margin) return [text];
  const rest = " ".repeat(margin) + text.slice(end + 1);
  return [text.slice(0, end), ...wrappedText(rest, options)];
}

/** One line of a table; a missing cell stays empty. */
export type TableRow = Readonly<
  Record<string, string | number | null | undefined>
>;

/**
 * Rows as text in aligned columns, numbers to the right.
 *
 * @param options `columns`: the title of each key, in order; by default the
 * keys of the first row.
 */
export function tableText(
  rows: readonly TableRow[],
  options: { columns?: Readonly<Record<string, string>> } = {},
): string {
  const keys = Object.keys(rows[0] ?? {});
  const { columns = Object.fromEntries(keys.map((key) => [key, key])) } =
    options;
  const texts = Object.entries(columns).map(([key, title]) =>
    columnText(title, rows.map((row) => cellText(row[key] ?? "")))
  );
  const heights = Array.from({ length: rows.length + 2 }, (_, i) => i);
  return heights
    .map((i) => texts.map((column) => column[i]).join("  ").trimEnd())
    .join("\n");
}

/** Title, rule and cells, padded to the same width. */
function columnText(title: string, cells: readonly string[]): string[] {
  const width = Math.max(...[title, ...cells].map(({ length }) => length));
  // "0.61 ± 0.02" is a number too.
  const numeric = cells.every((cell) => /^([-+−]?\.?\d|NaN|$)/.test(cell));
  return [title, "-".repeat(width), ...cells]
    .map((cell) => numeric ? cell.padStart(width) : cell.padEnd(width));
}

function cellText(cell: string | number): string {
  return typeof cell === "number"
    ? numberText(cell)
    : cell.replaceAll(/\s+/g, " ");
}

/** A number in four digits, or all digits of an integer. */
export function numberText(x: number): string {
  if (!Number.isFinite(x) || Number.isInteger(x)) return String(x);
  return Math.abs(x) < 1e-3 ? x.toExponential(2) : x.toPrecision(4);
}

/** Seconds as `1:02:03` or `2:03`. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60)];
  const two = (x: number) => String(x % 60).padStart(2, "0");
  return hours
    ? `${hours}:${two(minutes)}:${two(whole)}`
    : `${minutes}:${two(whole)}`;
}

/** Contents of a progress line. */
export interface ProgressState {
  title: string;
  done: number;
  total: number;
  /** Steps a second; 0 while unknown. */
  rate: number;
  /** Seconds. */
  elapsed: number;
  ended: boolean;
  metrics: Readonly<Record<string, number>>;
}

/**
 * A progress line.
 *
 * @param columns width of the terminal, to which the line is cut; it has a bar
 * if there is room. `null` gives a plain line.
 */
export function progressText(
  state: ProgressState,
  columns: number | null,
): string {
  const { title, done, total, rate, elapsed, ended, metrics } = state;
  const left = (total - done) / rate;
  const facts = [
    `${done}/${total}`,
    `${rate > 0 ? numberText(rate) : "?"}/s`,
    ended ? `in ${durationText(elapsed)}` : `ETA ${durationText(left)}`,
    ...Object.entries(metrics).map(([name, x]) => `${name} ${numberText(x)}`),
  ];
  if (columns === null) return [title, ...facts].join("  ");
  // Terminals may wrap when their last column is written.
  const room = columns - 1;
  const space = room - [title, "", ...facts].join("  ").length;
  const bar = space < 8 ? [] : [barText(done / total, Math.min(space, 30))];
  return [title, ...bar, ...facts].join("  ").slice(0, room);
}

function barText(fraction: number, width: number): string {
  const full = Math.min(width, Math.floor(fraction * width));
  return "█".repeat(full) + "░".repeat(width - full);
}

/** Part of a text, and its markings. */
export interface Marked {
  readonly text: string;
  /** Whether the reader looks for it. */
  readonly marked: boolean;
  /** Whether it is not from the data, such as a token that a template adds. */
  readonly special?: boolean;
}

/**
 * Joins parts into a text in which the marked ones stand out, by colour or in
 * brackets. Control characters are escaped, so that no data commands the
 * terminal.
 */
export function markedText(
  parts: readonly Marked[],
  options: { colour: boolean },
): string {
  const { colour } = options;
  const runs: Marked[] = [];
  for (const part of parts) {
    const last = runs.at(-1);
    const same = last?.marked === part.marked &&
      (!colour || last.special === part.special);
    if (same) runs.pop();
    runs.push(same ? { ...last, text: last.text + part.text } : part);
  }
  return runs.map(({ text, marked, special = false }) => {
    const shown = visibleText(text);
    if (!colour) return marked ? `⟦${shown}⟧` : shown;
    const codes = [marked ? 32 : 90, ...special ? [7] : []];
    return `\x1b[${codes.join(";")}m${shown}\x1b[0m`;
  }).join("");
}

/** Escapes control characters, except tab and line feed. */
export function visibleText(text: string): string {
  return text.replace(
    /(?![\t\n])\p{Cc}/gu,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
