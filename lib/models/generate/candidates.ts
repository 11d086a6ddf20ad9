import { exponential } from "./exponential.ts";

/** The parts of a softmax. */
export interface Softmax {
  /** The largest score. */
  readonly largest: number;
  /** e^(score − largest) of each candidate. */
  readonly weights: Float64Array;
  /** Their sum, at least 1. */
  readonly total: number;
}

/** Tokens that may be drawn, in ascending order of ids, and their scores. */
export class Candidates {
  #ids = new Int32Array();
  #scores = new Float64Array();
  #weights = new Float64Array();
  #count = 0;
  /** The softmax of the scores as they are, once it is known. */
  #softmax: Softmax | null = null;

  /** Makes every token a candidate, with its logit for a score. */
  reset(logits: ArrayLike<number>): void {
    const n = logits.length;
    if (this.#ids.length !== n) {
      this.#ids = new Int32Array(n);
      this.#scores = new Float64Array(n);
      this.#weights = new Float64Array(n);
      this.#count = 0;
    }
    // They are in place still where nothing was dropped.
    if (this.#count !== n) this.#ids.forEach((_, i, ids) => ids[i] = i);
    this.#scores.set(logits);
    this.#count = n;
    this.#softmax = null;
  }

  get ids(): Int32Array {
    return this.#ids.subarray(0, this.#count);
  }

  /** Scores, to be changed in place; a sum added to all changes nothing. */
  get scores(): Float64Array {
    this.#softmax = null;
    return this.#scores.subarray(0, this.#count);
  }

  /** Drops the candidates that are not wanted. */
  keep(wanted: (score: number, i: number) => boolean): void {
    let count = 0;
    for (let i = 0; i < this.#count; i++) {
      const score = this.#scores[i]!;
      if (!wanted(score, i)) continue;
      this.#ids[count] = this.#ids[i]!;
      this.#scores[count++] = score;
    }
    this.#count = count;
    this.#softmax = null;
  }

  /** The softmax of the scores; its weights last until the scores change. */
  softmax(): Softmax {
    return this.#softmax ??= this.#computed();
  }

  #computed(): Softmax {
    const weights = this.#weights.subarray(0, this.#count);
    const { scores } = this;
    const largest = largestOf(scores);
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      total += weights[i] = exponential(scores[i]! - largest);
    }
    return { largest, weights, total };
  }
}

export function largestOf(scores: Float64Array): number {
  let largest = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > largest) largest = scores[i]!;
  }
  return largest;
}
