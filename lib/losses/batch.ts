import type { Value } from "../onnx/graph/graph.ts";
import { gather, segmentSum } from "../ops/indexing.ts";
import type { BATCH_INPUTS } from "./batch_inputs.ts";

/** Log-probabilities under the policy, through which the gradient flows. */
export interface PolicyLogProbs {
  /** log π_θ of each sequence, `[Q]`, the last one padding. */
  readonly logProbs: Value;
  /** log π_θ of each scored token, `[S]`. */
  readonly tokenLogProbs: Value;
  /** log Σ_v π_θ(v)² where each of them stands, `[S]`, without a gradient. */
  readonly collisions: Value;
}

/** Counts over the whole optimizer batch, by weight, scalars. */
export interface Totals {
  /** Examples. */
  readonly examples: Value;
  /** Scored tokens of the completions to imitate: chosen or desirable ones. */
  readonly completionTokens: Value;
  /** Scored tokens of the prompts. */
  readonly promptTokens: Value;
}

/** Ranks of completions in lists that are filled up to K. */
export interface Ranks {
  /** 1 where there is a completion, 0 where the list was filled up, `[n, K]`. */
  readonly rankMask: Value;
  /** 0, 1, … K − 1, `[K]`. */
  readonly ranks: Value;
}

/** These inputs as values of a graph, with the decoder's of sequences. */
export interface BatchValues
  extends Readonly<Record<keyof typeof BATCH_INPUTS, Value>> {
  /** The sequence of each scored token, int32 `[S]`. */
  readonly sequences: Value;
  /** A zero for each sequence, `[Q]`. */
  readonly zeros: Value;
}

/** All values of a graph from which losses are computed. */
export interface LossInputs {
  readonly policy: PolicyLogProbs;
  readonly batch: BatchValues;
  /** The numbers among a loss's options, scalars. */
  readonly options: Readonly<Record<string, Value>>;
  /** Values of the loss's statistics: scalars, or `[n]`. */
  readonly statistics: Readonly<Record<string, Value>>;
}

/**
 * Log-probabilities of completions, in nats: each `[n]`, one for each of n
 * examples; of ranked lists `[n, K]`.
 */
export interface Sequences {
  /** log π_θ(y|x), summed over the completion's tokens. */
  readonly logProb: Value;
  /** log π_ref(y|x), likewise. */
  readonly refLogProb: Value;
  /** Scored tokens of the completion. */
  readonly length: Value;
  /** Its rating; a loss that reads it is trained on rated data alone. */
  readonly rating: Value;
  /** Sums a number of every token, `[S]`, over each completion. */
  sum(perToken: Value): Value;
}

/** Log-probabilities of n prompts, without the first token, each `[n]`. */
export type Prompts = Pick<Sequences, "logProb" | "length">;

/** Every scored token of the examples, one after another, each `[S]`. */
export interface Tokens {
  /** log π_θ(y_t|x, y_<t), in nats. */
  readonly logProb: Value;
  /** log π_ref(y_t|x, y_<t), in nats. */
  readonly refLogProb: Value;
  /** Its place among those of its completion: 0, 1, 2, … */
  readonly position: Value;
  /** Its place in a random order of them, another one in each step. */
  readonly order: Value;
  /** log Σ_v π_θ(v|x, y_<t)² over the vocabulary, without a gradient. */
  readonly collision: Value;
  /** Repeats a number of each example, `[n]`, at each of its tokens. */
  spread(perExample: Value): Value;
}

/** Everything that a loss can read of n examples; reading nothing costs nothing. */
export interface Batch {
  /** The prompts. */
  readonly prompt: Prompts;
  /** The scored tokens. */
  readonly tokens: Tokens;
  /** Counts over the optimizer batch. */
  readonly totals: Totals;
  /** Values of the loss's statistics: scalars, or `[n]`. */
  readonly statistics: Readonly<Record<string, Value>>;
}

/** Presents the values of a graph to losses, apart from completions. */
export function batchOf(inputs: LossInputs): Batch {
  return {
    prompt: sequencesAt(inputs, () => inputs.batch.promptSequences),
    tokens: tokensOf(inputs),
    totals: inputs.batch,
    statistics: inputs.statistics,
  };
}

/** Presents the sequences of these numbers. */
export function sequencesAt(
  { policy, batch }: LossInputs,
  numbers: () => Value,
): Sequences {
  return {
    get logProb() {
      return gather(policy.logProbs, numbers());
    },
    get refLogProb() {
      return gather(batch.refLogProbs, numbers());
    },
    get length() {
      return gather(batch.lengths, numbers());
    },
    get rating() {
      return gather(batch.ratings, numbers());
    },
    sum: (perToken) =>
      gather(segmentSum(perToken, batch.sequences, batch.zeros), numbers()),
  };
}

function tokensOf({ policy, batch }: LossInputs): Tokens {
  return {
    get logProb() {
      return policy.tokenLogProbs;
    },
    get refLogProb() {
      return batch.tokenRefLogProbs;
    },
    get position() {
      return batch.tokenPositions;
    },
    get order() {
      return batch.tokenOrder;
    },
    get collision() {
      return policy.collisions;
    },
    spread: (perExample) => gather(perExample, batch.tokenExamples),
  };
}
