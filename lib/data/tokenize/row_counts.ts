/** Reasons to leave a row out. */
export const DROP_REASONS = [
  "emptyPrompt",
  "emptyCompletion",
  "longPrompt",
  "longCompletion",
  /** A token spans a boundary. */
  "spanned",
  /** The chat template has rewritten the text before a boundary. */
  "rewritten",
] as const;
export type DropReason = typeof DROP_REASONS[number];

/** Events that are counted for rows that are kept, see {@linkcode Counts}. */
const KEPT_EVENTS = [
  "truncated",
  "truncatedPrompts",
  "boundaryShifted",
  "unterminated",
  "doubledEos",
  "withoutBos",
  "doubledBos",
  "specialInText",
  "systemDropped",
] as const;

/** Something that tokenization does to a row or finds in it. */
export type RowEvent = DropReason | typeof KEPT_EVENTS[number];

/** Counts of rows on their way to examples. */
export interface Counts {
  /** Rows read, the dropped ones included. */
  readonly rows: number;
  /** Rows left out, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Rows kept with a completion cut at its end. */
  readonly truncated: number;
  /** Rows kept with a prompt cut. */
  readonly truncatedPrompts: number;
  /** Rows kept in which a token spans a boundary, see `encodeRow()`. */
  readonly boundaryShifted: number;
  /**
   * Completions kept whose scored tokens do not end in a terminator; `null`
   * when none is known.
   */
  readonly unterminated: number | null;
  /** Completions kept with a terminator twice in a row; `null` likewise. */
  readonly doubledEos: number | null;
  /** Rows kept without the BOS that the tokenizer puts before every text. */
  readonly withoutBos: number;
  /** Rows kept that begin with BOS twice. */
  readonly doubledBos: number;
  /** Rows kept with a special token written out in their contents. */
  readonly specialInText: number;
  /** Rows kept whose chat template leaves out the system message. */
  readonly systemDropped: number;
  /** Locations of the first few rows of each event. */
  readonly places: Readonly<Partial<Record<RowEvent, readonly string[]>>>;
}

/** Most locations that are kept of each event. */
const MOST_PLACES = 3;

/** Counts rows and their events. */
export class RowCounter {
  #rows = 0;
  readonly #counts = new Map<RowEvent, number>();
  readonly #places = new Map<RowEvent, string[]>();

  /** Counts a row that was read. */
  addRow(): void {
    this.#rows++;
  }

  /** Counts events of a row: each once, or as often as its number says. */
  add(
    events: Partial<Record<RowEvent, number | boolean>>,
    location: string,
  ): void {
    for (const [name, times] of Object.entries(events)) {
      if (Number(times) === 0) continue;
      const event = name as RowEvent;
      this.#counts.set(event, (this.#counts.get(event) ?? 0) + Number(times));
      const places = this.#places.get(event) ?? [];
      if (places.length < MOST_PLACES) places.push(location);
      this.#places.set(event, places);
    }
  }

  /** @param options `terminated`: whether any terminator is known. */
  counts({ terminated }: { terminated: boolean }): Counts {
    const counts = <E extends RowEvent>(events: readonly E[]) =>
      Object.fromEntries(
        events.map((event) => [event, this.#counts.get(event) ?? 0]),
      ) as Record<E, number>;
    return {
      rows: this.#rows,
      dropped: counts(DROP_REASONS),
      ...counts(KEPT_EVENTS),
      ...!terminated && { unterminated: null, doubledEos: null },
      places: Object.fromEntries(this.#places),
    };
  }
}
