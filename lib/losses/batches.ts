import type { Value } from "../onnx/graph/graph.ts";
import {
  type Batch,
  batchOf,
  type LossInputs,
  type Ranks,
  type Sequences,
  sequencesAt,
} from "./batch.ts";

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

/** Presents the values of a graph to losses of each kind. */
export const BATCHES: {
  readonly [K in keyof Batches]: (inputs: LossInputs) => Batches[K];
} = {
  completions: (inputs) => ({
    ...batchOf(inputs),
    completion: sequencesAt(inputs, () => inputs.batch.firstCompletions),
  }),
  pairs: (inputs) => ({
    ...batchOf(inputs),
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
    ...batchOf(inputs),
    ranked: sequencesAt(inputs, () => inputs.batch.rankedCompletions),
    get rankMask() {
      return inputs.batch.rankMask;
    },
    get ranks() {
      return inputs.batch.ranks;
    },
  }),
};
