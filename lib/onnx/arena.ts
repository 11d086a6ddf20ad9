/** Bytes that every size is rounded up to a multiple of. */
const GRAIN = 256;
/** A piece this much larger than what it is to hold is cut, or one twice as large. */
const MOST_WASTE = 2 ** 27;
/** Bytes of the first region; each further one has twice as many. */
const FIRST_REGION = 2 ** 20;
/** Bytes from which on regions do not grow. */
const LARGEST_REGION = 2 ** 30;

/** A part of a region, between its neighbours. */
interface Piece {
  readonly region: { touched: number };
  readonly offset: number;
  size: number;
  isFree: boolean;
  before: Piece | null;
  after: Piece | null;
}

/**
 * The memory that onnxruntime's allocator takes from the system: regions that
 * double in size, of which the smallest free piece that is large enough is cut
 * to what is asked for.
 * https://github.com/microsoft/onnxruntime/blob/v1.22.0/onnxruntime/core/framework/bfc_arena.cc
 */
export class Arena {
  readonly #regions: { touched: number }[] = [];
  readonly #free = new Set<Piece>();
  #next = FIRST_REGION;

  /** Bytes that were ever in use: pages of a region that were not take nothing. */
  get touched(): number {
    return this.#regions.reduce((sum, { touched }) => sum + touched, 0);
  }

  allocate(bytes: number): Piece {
    const size = Math.max(1, Math.ceil(bytes / GRAIN)) * GRAIN;
    const piece = this.#fitting(size) ?? this.#extended(size);
    this.#free.delete(piece);
    piece.isFree = false;
    if (piece.size >= 2 * size || piece.size - size >= MOST_WASTE) {
      this.#cut(piece, size);
    }
    const { region, offset } = piece;
    region.touched = Math.max(region.touched, offset + bytes);
    return piece;
  }

  release(piece: Piece): void {
    piece.isFree = true;
    const first = piece.before?.isFree ? piece.before : piece;
    for (let next = first.after; next?.isFree; next = first.after) {
      this.#free.delete(next);
      first.size += next.size;
      first.after = next.after;
      if (first.after) first.after.before = first;
    }
    this.#free.add(first);
  }

  #fitting(size: number): Piece | null {
    let best: Piece | null = null;
    for (const piece of this.#free) {
      if (piece.size >= size && piece.size < (best?.size ?? Infinity)) {
        best = piece;
      }
    }
    return best;
  }

  #extended(size: number): Piece {
    const isEnough = this.#next >= size;
    while (this.#next < size) this.#next *= 2;
    const region = { touched: 0 };
    this.#regions.push(region);
    const piece: Piece = {
      ...{ region, offset: 0, size: this.#next, isFree: true },
      ...{ before: null, after: null },
    };
    if (isEnough) this.#next = Math.min(2 * this.#next, LARGEST_REGION);
    return piece;
  }

  #cut(piece: Piece, size: number): void {
    const { region, offset, after } = piece;
    const rest: Piece = {
      ...{ region, offset: offset + size, size: piece.size - size },
      ...{ isFree: true, before: piece, after },
    };
    if (after) after.before = rest;
    piece.after = rest;
    piece.size = size;
    this.#free.add(rest);
  }
}
