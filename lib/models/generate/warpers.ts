import { type Candidates, largestOf, type Softmax } from "./candidates.ts";

/**
 * How a token is chosen by its logit. Options apply in this order, that of
 * `GenerationMixin._get_logits_processor` in transformers 5.23.
 */
export interface Sampling {
  /**
   * Divides positive logits of tokens that are in the prompt or the completion
   * so far, and multiplies negative ones; 1 changes nothing.
   * https://arxiv.org/abs/1909.05858, as transformers has it @default 1
   */
  readonly repetitionPenalty?: number;
  /** Divides the logits; 0 takes the likeliest token. @default 1 */
  readonly temperature?: number;
  /**
   * Draws from so many tokens only, the likeliest and those as likely as the
   * last of them; 0 is all. @default 0
   */
  readonly topK?: number;
  /**
   * Draws from the likeliest tokens only, as few as have this probability
   * together; among equally likely ones the first.
   * https://arxiv.org/abs/1904.09751 @default 1
   */
  readonly topP?: number;
  /**
   * Draws only from tokens at least this many times as likely as the likeliest.
   * https://arxiv.org/abs/2407.01082 @default 0
   */
  readonly minP?: number;
}

/**
 * A step from logits to the final distribution: changes scores of candidates,
 * or drops some of them. At least one has a finite score, and keeps it.
 *
 * @param seen tokens of the prompt and of the completion so far, each once.
 */
export type Warper = (candidates: Candidates, seen: Iterable<number>) => void;

/** An option of {@linkcode Sampling}, and the warper of a value. */
interface WarperKind {
  /** For messages. */
  readonly name: string;
  /** The value that changes nothing. */
  readonly neutral: number;
  readonly expected: string;
  readonly accepts: (value: number) => boolean;
  readonly warper: (value: number) => Warper;
}

const repetitionPenalty: WarperKind = {
  name: "repetition penalty",
  neutral: 1,
  expected: "a number above 0",
  accepts: (penalty) => penalty > 0 && penalty < Infinity,
  // The first warper: every token is there, in its own place.
  warper: (penalty) => ({ scores }, seen) => {
    for (const id of seen) {
      const score = scores[id]!;
      scores[id] = score < 0 ? score * penalty : score / penalty;
    }
  },
};

const temperature: WarperKind = {
  name: "temperature",
  neutral: 1,
  expected: "a number of at least 0",
  accepts: (temperature) => temperature >= 0 && temperature < Infinity,
  warper: (temperature) =>
    temperature === 0 ? keepLikeliest : ({ scores }) => {
      const largest = largestOf(scores);
      // The largest becomes 0, which no temperature makes too large.
      for (let i = 0; i < scores.length; i++) {
        scores[i] = (scores[i]! - largest) / temperature;
      }
    },
};

const topK: WarperKind = {
  name: "top-k",
  neutral: 0,
  expected: "an integer of at least 0",
  accepts: (k) => Number.isInteger(k) && k >= 0,
  warper: (k) => (candidates) => {
    if (k >= candidates.scores.length) return;
    const least = kthLargest(candidates.scores, k);
    candidates.keep((score) => score >= least);
  },
};

const topP: WarperKind = {
  name: "top-p",
  neutral: 1,
  expected: "a number above 0 and at most 1",
  accepts: (p) => p > 0 && p <= 1,
  warper: (p) => (candidates) => {
    const softmax = candidates.softmax();
    const { weights } = softmax;
    let { edge, atEdge } = nucleus(softmax, p);
    candidates.keep((_, i) =>
      weights[i]! > edge || weights[i] === edge && atEdge-- > 0
    );
  },
};

const minP: WarperKind = {
  name: "min-p",
  neutral: 0,
  expected: "a number from 0 to 1",
  accepts: (p) => p >= 0 && p <= 1,
  warper: (p) => (candidates) => {
    const least = largestOf(candidates.scores) + Math.log(p);
    candidates.keep((score) => score >= least);
  },
};

/** In the order in which they work. */
const KINDS: Readonly<Record<keyof Sampling, WarperKind>> = {
  repetitionPenalty,
  temperature,
  topK,
  topP,
  minP,
};

/** Fills in the defaults of absent options. */
export function resolveSampling(sampling: Sampling): Required<Sampling> {
  const of = (key: keyof Sampling) => sampling[key] ?? KINDS[key].neutral;
  return {
    repetitionPenalty: of("repetitionPenalty"),
    temperature: of("temperature"),
    topK: of("topK"),
    topP: of("topP"),
    minP: of("minP"),
  };
}

/**
 * The warpers of options that change something, in their order.
 *
 * @throws RangeError for an option out of its range.
 */
export function warpersOf(sampling: Sampling): Warper[] {
  const resolved = resolveSampling(sampling);
  return Object.entries(KINDS).flatMap(([key, kind]) => {
    const value = resolved[key as keyof Sampling];
    if (kind.accepts(value)) {
      return value === kind.neutral ? [] : [kind.warper(value)];
    }
    throw new RangeError(
      `Cannot sample with ${kind.name} ${value}: expected ${kind.expected}`,
    );
  });
}

/** Keeps the first of the largest alone. */
function keepLikeliest(candidates: Candidates): void {
  const { scores } = candidates;
  const best = scores.indexOf(largestOf(scores));
  candidates.keep((_, i) => i === best);
}

/** The k-th largest score; −∞ where there are fewer. */
function kthLargest(scores: Float64Array, k: number): number {
  // A heap of the k largest so far, the least of them at its root.
  const heap = new Float64Array(k).fill(-Infinity);
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > heap[0]!) replaceRoot(heap, scores[i]!);
  }
  return heap[0]!;
}

function replaceRoot(heap: Float64Array, score: number): void {
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= score) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = score;
}

/** The least weight in the nucleus, and how many tokens of that weight are. */
function nucleus(
  { weights, total }: Softmax,
  p: number,
): { edge: number; atEdge: number } {
  // Tokens below this weigh less than 1 − p together: all that are needed are
  // above, and few are left to sort.
  const heavy = ascendingFrom(weights, total * (1 - p) / weights.length);
  let first = heavy.length;
  for (let sum = 0; first > 0 && sum < p * total;) sum += heavy[--first]!;
  const edge = heavy[first]!;
  return { edge, atEdge: heavy.lastIndexOf(edge) - first + 1 };
}

/** Numbers of at least `least`, in ascending order. */
function ascendingFrom(numbers: Float64Array, least: number): Float64Array {
  const found = new Float64Array(numbers.length);
  let count = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i]! >= least) found[count++] = numbers[i]!;
  }
  return found.subarray(0, count).sort();
}
