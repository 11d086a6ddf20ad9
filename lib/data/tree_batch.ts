import { type AttentionTiles, attentionTiles } from "./attention_tiles.ts";
import { lossLengths, type TokenRow } from "./example.ts";

/**
 * Rows as one stream of N tokens, without padding: each prompt once, followed by
 * its continuations.
 *
 * Sequences are numbered along the rows: all continuations, then, if prompts
 * are scored too, one for each row's prompt.
 */
export interface TreeBatch {
  /** Token ids, `[N]`. */
  readonly ids: readonly number[];
  /** Rotary positions, which restart at each continuation, `[N]`. */
  readonly positions: readonly number[];
  /** Slots of each row, T: the tokens of the longest one. */
  readonly rowLength: number;
  /** Token of each slot of the rows, `[R, T]`; 0 where there is none. */
  readonly tokenOfSlot: Int32Array;
  /** Slot of each token, counted over the rows, `[N]`. */
  readonly slotOfToken: readonly number[];
  /** 1 where a slot holds a token, `[R, T]`. */
  readonly slotMask: Float32Array;
  /** 0 in the prompt, k in the k-th continuation, −1 in an empty slot, `[R, T]`. */
  readonly segmentIds: Float32Array;
  /** Token from which each scored token is predicted, `[S]`. */
  readonly predictFrom: readonly number[];
  /** The scored tokens' ids, `[S]`. */
  readonly targetIds: readonly number[];
  /** The sequence each belongs to, `[S]`; padding has one of its own, the last. */
  readonly sequences: readonly number[];
  /** Scored tokens of each sequence, without that of the padding. */
  readonly lengths: readonly number[];
  /** Attention in tiles; `null` where it works in rows. */
  readonly tiling: AttentionTiles | null;
}

export interface TreeBatchOptions {
  /** Whether to score the prompts' tokens too, except the first. @default false */
  scorePrompts?: boolean;
  /** Number that the count of scored tokens is padded to a multiple of. @default 1 */
  multiple?: number;
  /**
   * Tiles that attention within prompts and continuations is cut into; 0 for
   * attention in rows. @default 0
   */
  attentionCuts?: number;
}

/**
 * Lays rows out in a stream.
 *
 * @throws RangeError for a row without a prompt, as nothing predicts its
 * continuations' first tokens, or with a loss mask of another length.
 */
export function treeBatch(
  rows: readonly TokenRow[],
  { scorePrompts = false, multiple = 1, attentionCuts = 0 }: TreeBatchOptions =
    {},
): TreeBatch {
  const stream = new Stream(rows);
  rows.forEach((row, r) => stream.addRow(row, r));
  if (scorePrompts) rows.forEach((_, r) => stream.scorePrompt(r));
  const tiling = attentionCuts > 0 ? attentionTiles(rows, attentionCuts) : null;
  return { ...stream.finish(multiple), tiling };
}

/** Tokens of a row laid out as a tree. */
export function rowTokens({ prompt, completions }: TokenRow): number {
  return prompt.length + completions.reduce((n, { length }) => n + length, 0);
}

/**
 * Cuts of attention by the length from which rows need them. A cut is a tile
 * more of each layer to compile and to run: in short rows that costs more than
 * the scores it saves, and in longer ones more scores are to be saved.
 */
const CUTS_FROM: readonly [length: number, cuts: number][] = [
  [2048, 6],
  [1024, 4],
  [256, 2],
];

/**
 * Cuts of attention for rows such as these: those for the length that half of
 * all tokens are in rows of, or of longer ones.
 */
export function suitedCuts(rows: readonly TokenRow[]): number {
  const lengths = rows.map(rowTokens).toSorted((a, b) => b - a);
  const half = lengths.reduce((a, b) => a + b, 0) / 2;
  let tokens = 0;
  const typical = lengths.find((length) => (tokens += length) >= half) ?? 0;
  return CUTS_FROM.find(([from]) => typical >= from)?.[1] ?? 0;
}

class Stream {
  readonly #rows: readonly TokenRow[];
  readonly #length: number;
  readonly #starts: number[] = [];
  readonly #ids: number[] = [];
  readonly #positions: number[] = [];
  readonly #slotOfToken: number[] = [];
  readonly #predictFrom: number[] = [];
  readonly #targetIds: number[] = [];
  readonly #sequences: number[] = [];
  readonly #lengths: number[] = [];
  readonly #tokenOfSlot: Int32Array<ArrayBuffer>;
  readonly #segmentIds: Float32Array<ArrayBuffer>;
  readonly #slotMask: Float32Array<ArrayBuffer>;

  constructor(rows: readonly TokenRow[]) {
    this.#rows = rows;
    this.#length = Math.max(...rows.map(rowTokens));
    const size = rows.length * this.#length;
    this.#tokenOfSlot = new Int32Array(size);
    this.#segmentIds = new Float32Array(size).fill(-1);
    this.#slotMask = new Float32Array(size);
  }

  addRow({ prompt, completions, lossMask }: TokenRow, row: number): void {
    if (prompt.length === 0) {
      throw new RangeError(
        `Cannot lay out row ${row} of a batch: its prompt is empty, expected at least one token`,
      );
    }
    assertMarked(completions, { lossMask, row });
    const start = this.#ids.length;
    const lengths = lossLengths({ completions, ...lossMask && { lossMask } });
    this.#starts.push(start);
    prompt.forEach((id, i) => this.#push(id, { row, position: i, segment: 0 }));
    for (const [k, completion] of completions.entries()) {
      let source = start + prompt.length - 1;
      for (const [i, id] of completion.entries()) {
        if (lossMask?.[k]?.[i] ?? true) this.#score(source, id);
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

  finish(multiple: number): Omit<TreeBatch, "tiling"> {
    const sequences = this.#lengths.length;
    const scored = this.#targetIds.length;
    const padded = Math.max(1, Math.ceil(scored / multiple)) * multiple;
    const pad = (
      list: number[],
      filler: number,
    ) => [...list, ...new Array(padded - scored).fill(filler)];
    return {
      ids: this.#ids,
      positions: this.#positions,
      rowLength: this.#length,
      tokenOfSlot: this.#tokenOfSlot,
      slotOfToken: this.#slotOfToken,
      slotMask: this.#slotMask,
      segmentIds: this.#segmentIds,
      predictFrom: pad(this.#predictFrom, 0),
      targetIds: pad(this.#targetIds, 0),
      sequences: pad(this.#sequences, sequences),
      lengths: this.#lengths,
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
    this.#slotOfToken.push(slot);
    this.#tokenOfSlot[slot] = token;
    this.#segmentIds[slot] = segment;
    this.#slotMask[slot] = 1;
  }

  /** The token at `source` predicts `target` in the sequence being laid out. */
  #score(source: number, target: number): void {
    this.#predictFrom.push(source);
    this.#targetIds.push(target);
    this.#sequences.push(this.#lengths.length);
  }
}

function assertMarked(
  completions: TokenRow["completions"],
  { lossMask, row }: {
    lossMask: TokenRow["lossMask"] | undefined;
    row: number;
  },
): void {
  const wrong = lossMask
    ? completions.findIndex((ids, k) => lossMask[k]?.length !== ids.length)
    : -1;
  if (wrong === -1) return;
  throw new RangeError(
    `Cannot lay out row ${row} of a batch: completion ${wrong} has ` +
      `${completions[wrong]!.length} tokens, and ` +
      `${lossMask![wrong]?.length ?? 0} marks of which are scored`,
  );
}
