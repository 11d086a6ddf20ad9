import {
  expectation,
  type FlagValues,
  grouped,
  integer,
  isAllowed,
  kebab,
  number,
} from "../../cli/flag.ts";
import { type Candidates, largestOf, type Softmax } from "./candidates.ts";

/** Heading of flags for sampling. */
export const SAMPLING = "Sampling, in this order";

/**
 * How a token is drawn, in the order of
 * `GenerationMixin._get_logits_processor` in transformers 5.23.
 */
export const SAMPLING_FLAGS = grouped(SAMPLING, {
  /** https://arxiv.org/abs/1909.05858, as transformers has it; 1 changes nothing. */
  repetitionPenalty: number({
    help: "divides positive logits of tokens that the prompt or completion " +
      "has already, and multiplies negative ones",
    above: 0,
  }),
  temperature: number({
    help: "divides the logits; 0 takes the likeliest token",
    min: 0,
  }),
  /** Tokens that are as likely as the last of them are included. */
  topK: integer({
    help: "draws from this many of the likeliest tokens; 0 is all",
    min: 0,
  }),
  /** Equally likely tokens count in order. https://arxiv.org/abs/1904.09751 */
  topP: number({
    help: "draws from the fewest tokens that are this likely together",
    above: 0,
    max: 1,
  }),
  /** https://arxiv.org/abs/2407.01082 */
  minP: number({
    help:
      "draws from tokens at least this many times as likely as the likeliest",
    min: 0,
    max: 1,
  }),
});

/**
 * Sampling as chosen; a value that is absent changes nothing.
 *
 * @internal
 */
export type Sampling = Readonly<FlagValues<typeof SAMPLING_FLAGS>>;

/**
 * A step from logits to the final distribution: changes scores of candidates,
 * or drops some of them. At least one has a finite score, and keeps it.
 *
 * @param seen tokens of the prompt and of the completion so far, each once.
 */
export type Warper = (candidates: Candidates, seen: Iterable<number>) => void;

/** The warper of a value. */
interface WarperKind {
  /** The value that changes nothing. */
  readonly neutral: number;
  readonly warper: (value: number) => Warper;
}

const repetitionPenalty: WarperKind = {
  neutral: 1,
  // The first warper: every token is there, in its own place.
  warper: (penalty) => ({ scores }, seen) => {
    for (const id of seen) {
      const score = scores[id]!;
      scores[id] = score < 0 ? score * penalty : score / penalty;
    }
  },
};

const temperature: WarperKind = {
  neutral: 1,
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
  neutral: 0,
  warper: (k) => (candidates) => {
    if (k >= candidates.scores.length) return;
    const least = kthLargest(candidates.scores, k);
    candidates.keep((score) => score >= least);
  },
};

const topP: WarperKind = {
  neutral: 1,
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
  neutral: 0,
  warper: (p) => (candidates) => {
    const least = largestOf(candidates.scores) + Math.log(p);
    candidates.keep((score) => score >= least);
  },
};

const NAMES = Object.keys(SAMPLING_FLAGS) as (keyof Sampling)[];

const KINDS: Readonly<Record<keyof Sampling, WarperKind>> = {
  repetitionPenalty,
  temperature,
  topK,
  topP,
  minP,
};

/** Fills in, for absent values, those that change nothing. */
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
 * The warpers of values that change something, in their order.
 *
 * @throws RangeError for a value out of its range.
 */
export function warpersOf(sampling: Sampling): Warper[] {
  const resolved = resolveSampling(sampling);
  return NAMES.flatMap((name) => {
    const value = resolved[name];
    const { neutral, warper } = KINDS[name];
    const flag = SAMPLING_FLAGS[name];
    if (isAllowed(flag, value)) return value === neutral ? [] : [warper(value)];
    throw new RangeError(
      `Cannot sample with ${kebab(name)} ${value}: expected ${
        expectation(flag)
      }`,
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
  // above.
  const floor = total * (1 - p) / weights.length;
  // Most nuclei are of few heavy tokens: lighter ones are sorted if need be.
  for (let share = 1 / 16;; share /= 16) {
    const least = Math.max(share, floor);
    const heavy = ascendingFrom(weights, least);
    let first = heavy.length;
    let sum = 0;
    while (first > 0 && sum < p * total) sum += heavy[--first]!;
    if (sum < p * total && least > floor) continue;
    const edge = heavy[first]!;
    return { edge, atEdge: heavy.lastIndexOf(edge) - first + 1 };
  }
}

/** Numbers of at least `least`, in ascending order. */
function ascendingFrom(numbers: Float64Array, least: number): Float64Array {
  const found: number[] = [];
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i]! >= least) found.push(numbers[i]!);
  }
  return new Float64Array(found).sort();
}
