import { orNull } from "../files/missing.ts";
import { isRow, type MetricsRow } from "../record/metrics.ts";

/** Most bytes that one reading takes in. */
const MOST = 1 << 23;

const LINE_FEED = 10;

/**
 * The rows of a `metrics.jsonl` that is being written. Each reading takes in
 * complete lines that are new alone. A line that is no row is left out; a file
 * that was cut, as runs that resume cut theirs, is read from its beginning.
 */
export class MetricsTail {
  #rows: MetricsRow[] = [];
  /** Bytes that were taken in, and the last line of them. */
  #offset = 0;
  #last: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(private readonly path: string) {}

  get rows(): readonly MetricsRow[] {
    return this.#rows;
  }

  /**
   * Takes in new lines, if the file is there.
   *
   * @returns whether the rows have changed.
   */
  async read(): Promise<boolean> {
    using file = await orNull(Deno.open(this.path));
    if (!file) return this.#forget();
    const { size } = await file.stat();
    const isCut = size < this.#offset || !await this.#continues(file);
    const isChanged = isCut && this.#forget();
    if (size === this.#offset) return isChanged;
    const bytes = await readAt(file, this.#offset, size - this.#offset);
    return this.#take(bytes) || isChanged;
  }

  /** Whether the last line that was taken in is where it was. */
  async #continues(file: Deno.FsFile): Promise<boolean> {
    const { length } = this.#last;
    const found = await readAt(file, this.#offset - length, length);
    return found.every((byte, i) => byte === this.#last[i]);
  }

  #forget(): boolean {
    const isChanged = this.#rows.length > 0;
    this.#rows = [];
    this.#offset = 0;
    this.#last = new Uint8Array();
    return isChanged;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): boolean {
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) return false;
    const before = bytes.lastIndexOf(LINE_FEED, end - 2) + 1;
    this.#last = bytes.slice(before, end);
    this.#offset += end;
    const lines = new TextDecoder().decode(bytes.subarray(0, end)).split("\n");
    const rows = lines.map(parsed).filter(isRow);
    this.#rows.push(...rows);
    return rows.length > 0;
  }
}

async function readAt(
  file: Deno.FsFile,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.min(length, MOST));
  await file.seek(offset, Deno.SeekMode.Start);
  let read = 0;
  while (read < bytes.length) {
    const count = await file.read(bytes.subarray(read));
    if (count === null) break; // It was cut in between.
    read += count;
  }
  return bytes.subarray(0, read);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
