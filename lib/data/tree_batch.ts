import { scoredLengths } from "./example.ts";

/** A prompt with its continuations, as token ids. */
export interface Row {
  readonly prompt: readonly number[];
  readonly completions: readonly (readonly number[])[];
  /** Of each continuation, which of its tokens are scored. @default all */
  readonly scored?: readonly (readonly boolean[])[];
}

/** An array and its shape, ready to be fed to a graph. */
export interface Arrayed<T = Float32Array<ArrayBuffer>> {
  readonly data: T;
  readonly shape: readonly number[];
}
type Integers = Arrayed<Int32Array<ArrayBuffer>>;

/**
 * Rows as one stream of N tokens, without padding: each prompt stands once,
 * its continuations follow it one after another.
 *
 * Sequences are numbered along the rows: all continuations, then, if prompts
 * are scored too, one for each row's prompt.
 */
export interface TreeBatch {
  readonly feeds: {
    /** Token ids, `[N]`. */
    readonly ids: Integers;
    /** Rotary positions, which restart at each continuation, `[N]`. */
    readonly positions: Arrayed;
    /** Token of each slot of the rows, `[R, T]`; 0 where there is none. */
    readonly slots: Integers;
    /** Slot of each token, counted over the rows, `[N]`. */
    readonly places: Integers;
    /** 1 where a slot holds a token, `[R, T]`. */
    readonly live: Arrayed;
    /** 0 in the prompt, k in the k-th continuation, −1 in an empty slot, `[R, T]`. */
    readonly segments: Arrayed;
    /** 0, 1, 2, … `[T]`. */
    readonly order: Arrayed;
    /** Token from which each scored token is predicted, `[S]`. */
    readonly sources: Integers;
    /** The scored tokens' ids, `[S, 1]`. */
    readonly targets: Integers;
    /** The sequence each belongs to, `[S]`. */
    readonly sequences: Integers;
    /** Zeros, one for each sequence and one that padding goes to, `[Q + 1]`. */
    readonly zeros: Arrayed;
  };
  /** Tokens in the stream, N. */
  readonly tokens: number;
  /** Scored tokens of each sequence. */
  readonly lengths: readonly number[];
}

export interface TreeBatchOptions {
  /** Scores the prompts' tokens too, but the first. @default false */
  scorePrompts?: boolean;
  /** The number of scored tokens is padded to a multiple of this. @default 1 */
  multiple?: number;
}

/**
 * Lays rows out in a stream.
 *
 * @throws RangeError for a row without a prompt: nothing predicts its
 * continuations' first tokens; or whose marks are not one a token.
 */
export function treeBatch(
  rows: readonly Row[],
  { scorePrompts = false, multiple = 1 }: TreeBatchOptions = {},
): TreeBatch {
  const stream = new Stream(rows);
  rows.forEach((row, r) => stream.addRow(row, r));
  if (scorePrompts) rows.forEach((_, r) => stream.scorePrompt(r));
  return stream.finish(multiple);
}

/** Tokens of a row laid out as a tree. */
export function rowTokens({ prompt, completions }: Row): number {
  return prompt.length + completions.reduce((n, { length }) => n + length, 0);
}

class Stream {
  readonly #rows: readonly Row[];
  readonly #length: number;
  readonly #starts: number[] = [];
  readonly #ids: number[] = [];
  readonly #positions: number[] = [];
  readonly #places: number[] = [];
  readonly #sources: number[] = [];
  readonly #targets: number[] = [];
  readonly #sequences: number[] = [];
  readonly #lengths: number[] = [];
  readonly #slots: Int32Array<ArrayBuffer>;
  readonly #segments: Float32Array<ArrayBuffer>;
  readonly #live: Float32Array<ArrayBuffer>;

  constructor(rows: readonly Row[]) {
    this.#rows = rows;
    this.#length = Math.max(...rows.map(rowTokens));
    const size = rows.length * this.#length;
    this.#slots = new Int32Array(size);
    this.#segments = new Float32Array(size).fill(-1);
    this.#live = new Float32Array(size);
  }

  addRow({ prompt, completions, scored }: Row, row: number): void {
    if (prompt.length === 0) {
      throw new RangeError(
        `Cannot lay out row ${row} of a batch: its prompt is empty, expected at least one token`,
      );
    }
    assertMarked(completions, { scored, row });
    const start = this.#ids.length;
    const lengths = scoredLengths({ completions, ...scored && { scored } });
    this.#starts.push(start);
    prompt.forEach((id, i) => this.#push(id, { row, position: i, segment: 0 }));
    for (const [k, completion] of completions.entries()) {
      let source = start + prompt.length - 1;
      for (const [i, id] of completion.entries()) {
        if (scored?.[k]?.[i] ?? true) this.#score(source, id);
        source = this.#ids.length;
        const position = prompt.length + i;
        this.#push(id, { row, position, segment: k + 1 });
      }
      this.#lengths.push(lengths[k]!);
    }
  }

  scorePrompt(row: number): void {
    const start = this.#starts[row]!;
    const { prompt } = this.#rows[row]!;
    for (let i = 1; i < prompt.length; i++) {
      this.#score(start + i - 1, prompt[i]!);
    }
    this.#lengths.push(prompt.length - 1);
  }

  finish(multiple: number): TreeBatch {
    const sequences = this.#lengths.length;
    const scored = this.#targets.length;
    const padded = Math.max(1, Math.ceil(scored / multiple)) * multiple;
    const pad = (list: number[], filler: number) =>
      integers([...list, ...new Array(padded - scored).fill(filler)]);
    const { data: targets } = pad(this.#targets, 0);
    const grid = [this.#rows.length, this.#length];
    return {
      tokens: this.#ids.length,
      lengths: this.#lengths,
      feeds: {
        ids: integers(this.#ids),
        positions: floats(this.#positions),
        slots: { data: this.#slots, shape: grid },
        places: integers(this.#places),
        live: { data: this.#live, shape: grid },
        segments: { data: this.#segments, shape: grid },
        order: floats(Array.from({ length: this.#length }, (_, i) => i)),
        sources: pad(this.#sources, 0),
        targets: { data: targets, shape: [padded, 1] },
        sequences: pad(this.#sequences, sequences),
        zeros: floats(new Array(sequences + 1).fill(0)),
      },
    };
  }

  #push(
    id: number,
    { row, position, segment }: Record<"row" | "position" | "segment", number>,
  ): void {
    const token = this.#ids.length;
    const slot = row * this.#length + token - this.#starts[row]!;
    this.#ids.push(id);
    this.#positions.push(position);
    this.#places.push(slot);
    this.#slots[slot] = token;
    this.#segments[slot] = segment;
    this.#live[slot] = 1;
  }

  /** The token at `source` predicts `target` in the sequence being laid out. */
  #score(source: number, target: number): void {
    this.#sources.push(source);
    this.#targets.push(target);
    this.#sequences.push(this.#lengths.length);
  }
}

function assertMarked(
  completions: Row["completions"],
  { scored, row }: { scored: Row["scored"] | undefined; row: number },
): void {
  const wrong = scored
    ? completions.findIndex((ids, k) => scored[k]?.length !== ids.length)
    : -1;
  if (wrong === -1) return;
  throw new RangeError(
    `Cannot lay out row ${row} of a batch: completion ${wrong} has ` +
      `${completions[wrong]!.length} tokens, and ` +
      `${scored![wrong]?.length ?? 0} marks of which are scored`,
  );
}

function integers(list: readonly number[]): Integers {
  return { data: Int32Array.from(list), shape: [list.length] };
}

function floats(list: readonly number[]): Arrayed {
  return { data: Float32Array.from(list), shape: [list.length] };
}
