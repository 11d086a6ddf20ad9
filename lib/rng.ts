import { createHash } from "node:crypto";

/** The state of a generator, ready for JSON. */
export interface RngState {
  /** Names the stream; {@linkcode Rng.split} derives children from it. */
  key: string;
  /** The four 32-bit words of xoshiro128**. */
  words: [number, number, number, number];
}

/**
 * The seeded generator of every random choice: xoshiro128** by Blackman and
 * Vigna, https://prng.di.unimi.it/xoshiro128starstar.c.
 *
 * Give each consumer a stream of its own with {@linkcode Rng.split}: then a
 * new consumer, or one that draws more, changes nothing for the others.
 *
 * @example A stream depends on its name alone
 * ```ts
 * import { Rng } from "@prefgrad/prefgrad/stats";
 * import { strictEqual } from "node:assert/strict";
 *
 * const rng = new Rng(0);
 * const before = rng.split("order").uniform();
 * rng.uniform();
 * strictEqual(rng.split("order").uniform(), before);
 * ```
 */
export class Rng {
  #key: string;
  #words: Uint32Array;

  /**
   * The seed is hashed, so neighbouring seeds give unrelated streams; `1` and
   * `"1"` are the same seed.
   *
   * @throws {RangeError} on a number that is not finite.
   */
  constructor(seed: number | string) {
    if (typeof seed === "number" && !Number.isFinite(seed)) {
      throw new RangeError(
        `Cannot seed with ${seed}: expected a finite number`,
      );
    }
    this.#key = createHash("sha256").update(String(seed)).digest("hex");
    this.#words = Uint32Array.from(
      [0, 8, 16, 24],
      (at) => parseInt(this.#key.slice(at, at + 8), 16),
    );
  }

  /**
   * Continues from a {@linkcode Rng.state}.
   *
   * @throws {TypeError} if the words are not four 32-bit integers, or all are
   * zero: the generator never leaves that state.
   */
  static from({ key, words }: RngState): Rng {
    const rng = new Rng(key);
    rng.#key = key;
    rng.#words = Uint32Array.from(words);
    const areValid = words.length === 4 &&
      words.every((w, i) => w === rng.#words[i]);
    if (!areValid || words.every((word) => word === 0)) {
      throw new TypeError(
        `Cannot restore a generator from words [${words}]: expected four 32-bit integers, not all zero`,
      );
    }
    return rng;
  }

  /** The state for a checkpoint; see {@linkcode Rng.from}. */
  state(): RngState {
    const [a, b, c, d] = this.#words;
    return { key: this.#key, words: [a!, b!, c!, d!] };
  }

  /** The stream `label` under this one, whatever this one has drawn. */
  split(label: string): Rng {
    return new Rng(`${this.#key}/${label}`);
  }

  /** 32 random bits. */
  uint32(): number {
    const s = this.#words;
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotateLeft(s[3]!, 11);
    return result;
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** `n` numbers in [0, 1) with 24 random bits: more would round up to 1. */
  uniforms(n: number): Float32Array {
    return Float32Array.from(
      { length: n },
      () => (this.uint32() >>> 8) / 2 ** 24,
    );
  }

  /** A draw from N(0, 1), by Box and Muller, https://doi.org/10.1214/aoms/1177706645. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /**
   * An integer in [0, n), without the bias of a bare remainder.
   *
   * @throws {RangeError} if `n` is not an integer in [1, 2³²].
   */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(
        `Cannot draw below ${n}: expected an integer in [1, 2^32]`,
      );
    }
    const limit = 2 ** 32 - 2 ** 32 % n;
    let drawn = this.uint32();
    while (drawn >= limit) drawn = this.uint32();
    return drawn % n;
  }

  /** A shuffled copy: Fisher–Yates, every order equally likely. */
  shuffle<T>(items: Iterable<T>): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
    }
    return shuffled;
  }
}

function rotateLeft(x: number, bits: number): number {
  return x << bits | x >>> (32 - bits);
}
