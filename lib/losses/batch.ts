import type { Value } from "../onnx/graph.ts";
import { gather, segmentSum } from "../ops/indexing.ts";

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

/**
 * The inputs from which a graph computes losses, apart from options and
 * statistics. They describe Q sequences (completions, then prompts, then
 * padding) with S scored tokens, of n examples. One that no loss reads is not
 * declared.
 */
export interface BatchInputs extends Totals, Ranks {
  /** log π_ref of each sequence, `[Q]`; 0 for prompts. */
  readonly refLogProbs: Value;
  /** Scored tokens of each sequence, `[Q]`. */
  readonly lengths: Value;
  /** The sequence of each scored token, int32 `[S]`. */
  readonly sequences: Value;
  /** A zero for each sequence, `[Q]`. */
  readonly zeros: Value;
  /** log π_ref of each scored token, `[S]`. */
  readonly tokenRefLogProbs: Value;
  /** Its place among those of its sequence: 0, 1, 2, …, `[S]`. */
  readonly tokenPositions: Value;
  /** The example of each scored token, int32 `[S]`. */
  readonly tokenExamples: Value;
  /** The sequence of each example's first completion, int32 `[n]`. */
  readonly firstCompletions: Value;
  /** That of its second one, int32 `[n]`. */
  readonly secondCompletions: Value;
  /** That of its prompt, int32 `[n]`. */
  readonly promptSequences: Value;
  /** 1 where the completion is desirable, else 0, `[n]`. */
  readonly desirable: Value;
  /** Those of its completions from best to worst, int32 `[n, K]`. */
  readonly rankedCompletions: Value;
}

/** All that the mathematics of losses is built from. */
export interface LossInputs {
  readonly policy: PolicyLogProbs;
  readonly batch: BatchInputs;
  /** The numbers among a loss's options, scalars. */
  readonly options: Readonly<Record<string, Value>>;
  /** What the loss's statistics give: scalars, or `[n]`. */
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
  /** Sums something of every token, `[S]`, over each completion's own. */
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
  /** log Σ_v π_θ(v|x, y_<t)² over the vocabulary, without a gradient. */
  readonly collision: Value;
  /** Something of each example, `[n]`, at each of its tokens. */
  spread(perExample: Value): Value;
}

/** What a loss reads of n examples; what it does not look at costs nothing. */
export interface Batch {
  /** The prompts. */
  readonly prompt: Prompts;
  /** The scored tokens. */
  readonly tokens: Tokens;
  /** Counts over the optimizer batch. */
  readonly totals: Totals;
  /** What the loss's statistics gave: scalars, or `[n]`. */
  readonly statistics: Readonly<Record<string, Value>>;
}

/** The input of a loss of single completions. */
export interface CompletionBatch extends Batch {
  /** The completion of each example. */
  readonly completion: Sequences;
}

/** The input of a loss of pairs. */
export interface PairBatch extends Batch {
  /** The better completion of each pair. */
  readonly chosen: Sequences;
  /** The worse completion of each pair. */
  readonly rejected: Sequences;
}

/** The input of a loss of labelled completions. */
export interface LabelBatch extends CompletionBatch {
  /** 1 where the completion is desirable, else 0, `[n]`. */
  readonly desirable: Value;
}

/** The input of a loss of ranked lists. */
export interface RankBatch extends Batch, Ranks {
  /** From best to worst, `[n, K]`; shorter lists are filled up. */
  readonly ranked: Sequences;
}

/** A batch in the form of each kind of loss. */
export interface Batches {
  /** Single completions. */
  completions: CompletionBatch;
  /** Pairs. */
  pairs: PairBatch;
  /** Labelled completions. */
  labels: LabelBatch;
  /** Ranked lists. */
  ranks: RankBatch;
}

/** Presents what a graph has to losses of each kind. */
export const BATCHES: {
  readonly [K in keyof Batches]: (inputs: LossInputs) => Batches[K];
} = {
  completions: (inputs) => ({
    ...commonTo(inputs),
    completion: sequencesAt(inputs, () => inputs.batch.firstCompletions),
  }),
  pairs: (inputs) => ({
    ...commonTo(inputs),
    chosen: sequencesAt(inputs, () => inputs.batch.firstCompletions),
    rejected: sequencesAt(inputs, () => inputs.batch.secondCompletions),
  }),
  labels: (inputs) => ({
    ...BATCHES.completions(inputs),
    get desirable() {
      return inputs.batch.desirable;
    },
  }),
  ranks: (inputs) => ({
    ...commonTo(inputs),
    ranked: sequencesAt(inputs, () => inputs.batch.rankedCompletions),
    get rankMask() {
      return inputs.batch.rankMask;
    },
    get ranks() {
      return inputs.batch.ranks;
    },
  }),
};

function commonTo(inputs: LossInputs): Batch {
  return {
    prompt: sequencesAt(inputs, () => inputs.batch.promptSequences),
    tokens: tokensOf(inputs),
    totals: inputs.batch,
    statistics: inputs.statistics,
  };
}

/** The sequences of these numbers. */
function sequencesAt(
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
    get collision() {
      return policy.collisions;
    },
    spread: (perExample) => gather(perExample, batch.tokenExamples),
  };
}
