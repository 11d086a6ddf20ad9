/** One line of `metrics.jsonl`: the measurements at a step. */
export interface MetricsRow {
  /** Optimizer steps made so far. */
  step: number;
  /** A measured number; `null` if it has no value. */
  [name: string]: number | null;
}

/** Options for {@linkcode metricsWriter}. */
export interface MetricsWriterOptions {
  /**
   * Last step whose rows are kept: that of the checkpoint from which a run
   * resumes, or −1 to start anew.
   *
   * @default Infinity
   */
  keepThrough?: number;
}

/**
 * Opens a JSON Lines file and returns a function that appends a row. Every row
 * is written at once, so that a crash costs at most one line; a broken line is
 * cut off when the file is opened again.
 *
 * @throws {Error} if the file cannot be written or a complete line of it is no
 * row. The returned function throws TypeError on NaN or an infinity, which JSON
 * does not have.
 */
export function metricsWriter(
  path: string,
  { keepThrough = Infinity }: MetricsWriterOptions = {},
): (row: MetricsRow) => void {
  using file = Deno.openSync(path, { create: true, read: true, write: true });
  const lines = completeLines(Deno.readTextFileSync(path));
  const cut = parseLines(lines, path).findIndex(({ step }) =>
    step > keepThrough
  );
  const kept = lines.slice(0, cut < 0 ? lines.length : cut).join("");
  file.truncateSync(new TextEncoder().encode(kept).length);
  return (row) =>
    Deno.writeTextFileSync(path, encodeRow(row), { append: true });
}

/**
 * Reads the rows of a JSON Lines file. A last line without its end is left out:
 * it is still being written.
 *
 * @throws {Error} naming the file and the line that is no row.
 */
export function readMetrics(path: string): MetricsRow[] {
  return parseLines(completeLines(Deno.readTextFileSync(path)), path);
}

function completeLines(text: string): string[] {
  return text.match(/.*\n/g) ?? [];
}

function parseLines(lines: readonly string[], path: string): MetricsRow[] {
  return lines.map((line, i) => {
    const row = parseJson(line);
    if (isRow(row)) return row;
    throw new Error(
      `Cannot read ${path}, line ${i + 1}: found ${
        line.trim().slice(0, 60)
      }, expected an object of numbers with a "step"`,
    );
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // which is no row: the caller says where
  }
}

/** Whether a value of JSON is a line of metrics. */
export function isRow(value: unknown): value is MetricsRow {
  return typeof value === "object" && value !== null && "step" in value &&
    typeof value.step === "number" &&
    Object.values(value).every((x) => x === null || typeof x === "number");
}

function encodeRow(row: MetricsRow): string {
  for (const [name, value] of Object.entries(row)) {
    if (value !== null && !Number.isFinite(value)) {
      throw new TypeError(
        `Cannot log ${name} at step ${row.step}: found ${value}, expected a finite number or null`,
      );
    }
  }
  return JSON.stringify(row) + "\n";
}
