/**
 * How a token is chosen by its logit. What is set works in this order, that of
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
   * Only so many tokens are drawn from, the likeliest, and whatever is as
   * likely as the last of them; 0 is all. @default 0
   */
  readonly topK?: number;
  /**
   * Only the likeliest tokens are drawn from, as few as have this probability
   * together; of equally likely ones the first.
   * https://arxiv.org/abs/1904.09751 @default 1
   */
  readonly topP?: number;
  /**
   * Only tokens at least this many times as likely as the likeliest are drawn
   * from. https://arxiv.org/abs/2407.01082 @default 0
   */
  readonly minP?: number;
}

/**
 * A step from logits to what is drawn from: changes scores of all tokens in
 * place. −∞ is a token that is not drawn, and what is added to all scores
 * changes nothing; one of them is finite.
 *
 * @param seen tokens of the prompt and of the completion so far, each once.
 */
export type Warper = (scores: Float64Array, seen: Iterable<number>) => void;

/** A setting, and the warper of a value. */
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
  warper: (penalty) => (scores, seen) => {
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
    temperature === 0 ? keepLikeliest : (scores) => {
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
  warper: (k) => (scores) => {
    if (k < scores.length) dropBelow(scores, kthLargest(scores, k));
  },
};

const topP: WarperKind = {
  name: "top-p",
  neutral: 1,
  expected: "a number above 0 and at most 1",
  accepts: (p) => p > 0 && p <= 1,
  warper: (p) => {
    let weights = new Float64Array();
    return (scores) => {
      if (weights.length !== scores.length) {
        weights = new Float64Array(scores.length);
      }
      const { total } = weigh(scores, weights);
      let { edge, atEdge } = nucleus(weights, { p, total });
      for (let i = 0; i < scores.length; i++) {
        const weight = weights[i]!;
        if (weight > edge || weight === edge && atEdge-- > 0) continue;
        scores[i] = -Infinity;
      }
    };
  },
};

const minP: WarperKind = {
  name: "min-p",
  neutral: 0,
  expected: "a number from 0 to 1",
  accepts: (p) => p >= 0 && p <= 1,
  warper: (p) => (scores) => dropBelow(scores, largestOf(scores) + Math.log(p)),
};

/** In the order in which they work. */
const KINDS: Readonly<Record<keyof Sampling, WarperKind>> = {
  repetitionPenalty,
  temperature,
  topK,
  topP,
  minP,
};

/** Settings with what those that are absent stand for. */
export function settledSampling(sampling: Sampling): Required<Sampling> {
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
 * The warpers of settings that change something, in their order.
 *
 * @throws RangeError for a setting out of its range.
 */
export function warpersOf(sampling: Sampling): Warper[] {
  const settled = settledSampling(sampling);
  return Object.entries(KINDS).flatMap(([key, kind]) => {
    const value = settled[key as keyof Sampling];
    if (kind.accepts(value)) {
      return value === kind.neutral ? [] : [kind.warper(value)];
    }
    throw new RangeError(
      `Cannot sample with ${kind.name} ${value}: expected ${kind.expected}`,
    );
  });
}

/** What a softmax divides by. */
export interface Normalizer {
  /** The largest score. */
  readonly largest: number;
  /** Σ e^(score − largest), at least 1. */
  readonly total: number;
}

/** Sets weights to e^(score − largest), of which the largest is 1. */
export function weigh(
  scores: ArrayLike<number>,
  weights: Float64Array,
): Normalizer {
  const largest = largestOf(scores);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    total += weights[i] = Math.exp(scores[i]! - largest);
  }
  return { largest, total };
}

function largestOf(scores: ArrayLike<number>): number {
  let largest = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! > largest) largest = scores[i]!;
  }
  return largest;
}

function dropBelow(scores: Float64Array, least: number): void {
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! < least) scores[i] = -Infinity;
  }
}

/** Leaves the first of the largest alone. */
function keepLikeliest(scores: Float64Array): void {
  const best = scores.indexOf(largestOf(scores));
  scores.fill(-Infinity).fill(0, best, best + 1);
}

/**
 * The k-th largest score, −∞ where fewer are above that. Only those that are
 * above k others so far are sorted, a k-th part of all and less.
 */
function kthLargest(scores: Float64Array, k: number): number {
  const some = new Float64Array(2 * k);
  let count = 0;
  let least = -Infinity;
  for (const score of scores) {
    if (score <= least) continue;
    some[count++] = score;
    if (count < some.length) continue;
    some.sort().copyWithin(0, k);
    count = k;
    least = some[0]!;
  }
  return count < k ? -Infinity : some.subarray(0, count).sort()[count - k]!;
}

/** The weight of the last token of the nucleus, and how many have that. */
function nucleus(
  weights: Float64Array,
  { p, total }: { p: number; total: number },
): { edge: number; atEdge: number } {
  // Tokens below this weigh less than 1 − p together: all that are needed are
  // above, and few are left to sort.
  const least = total * (1 - p) / weights.length;
  const heavy = ascendingFrom(weights, least);
  let first = heavy.length;
  for (let sum = 0; first > 0 && sum < p * total;) sum += heavy[--first]!;
  const edge = heavy[first]!;
  return { edge, atEdge: heavy.lastIndexOf(edge) - first + 1 };
}

/** Numbers of at least `least`, in ascending order. */
function ascendingFrom(numbers: Float64Array, least: number): Float64Array {
  const found = new Float64Array(numbers.length);
  let count = 0;
  for (const number of numbers) if (number >= least) found[count++] = number;
  return found.subarray(0, count).sort();
}
