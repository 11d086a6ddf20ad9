import type { InputTable, Numbers, Value } from "../onnx/graph.ts";
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

/** A prompt with its completions, as token ids. */
export interface LossRow {
  /** Ids of the prompt. */
  readonly prompt: readonly number[];
  /** Ids of each completion. */
  readonly completions: readonly (readonly number[])[];
  /** Tokens that count. @default all */
  readonly lossMask?: readonly (readonly boolean[])[];
}

/** The part of a micro-batch from which inputs of losses are filled. */
export interface LossMicroBatch {
  /** The row of each of its n examples. */
  readonly rows: readonly LossRow[];
  /** The examples' labels, and ratings of their completions. */
  readonly examples: readonly {
    readonly label?: boolean;
    readonly ratings?: readonly number[];
  }[];
  /** Its sequences: completions of all rows, perhaps prompts, then padding. */
  readonly tree: {
    /** The sequence of each scored token. */
    readonly sequences: readonly number[];
    /** Scored tokens of each sequence except the padding. */
    readonly lengths: readonly number[];
  };
  /** Looks up log π_ref of completions and of their tokens. */
  readonly reference: {
    logProbs(row: LossRow): readonly number[];
    tokenLogProbs(row: LossRow): readonly (readonly number[])[];
  } | null;
  /** Counts over the whole optimizer batch. */
  readonly totals: { readonly [K in keyof Totals]: number };
}

/**
 * Every input from which losses are computed, apart from options and
 * statistics: its type, its shape, and how a micro-batch of n examples with S
 * scored tokens in Q sequences fills it. An input that no loss of a graph reads
 * is not declared there.
 */
export const BATCH_INPUTS = {
  /** Scored tokens of each sequence. */
  lengths: { shape: ["Q"], fill: ({ tree }) => [...tree.lengths, 0] },
  /** log π_ref of each sequence; 0 for prompts. */
  refLogProbs: {
    shape: ["Q"],
    fill: ({ tree, rows, reference }) => {
      const known = rows.flatMap((row) => reference?.logProbs(row) ?? []);
      return filledUp(known, tree.lengths.length + 1);
    },
  },
  /** The rating of each completion; 0 for prompts. */
  ratings: {
    shape: ["Q"],
    fill: ({ tree, rows, examples }) => {
      const known = rows.flatMap(({ completions }, i) => {
        const ratings = examples[i]?.ratings?.slice(0, completions.length);
        if (ratings?.length === completions.length) return ratings;
        throw new RangeError(
          `Cannot read the ratings of ${completions.length} completions: found ${
            ratings?.length ?? "none"
          }`,
        );
      });
      return filledUp(known, tree.lengths.length + 1);
    },
  },
  /** log π_ref of each scored token; 0 in prompts. */
  tokenRefLogProbs: {
    shape: ["S"],
    fill: ({ tree, rows, reference }) => {
      const known = rows.flatMap((row) => reference?.tokenLogProbs(row) ?? []);
      return filledUp(known.flat(), tree.sequences.length);
    },
  },
  /** The place of each scored token among those of its sequence: 0, 1, 2, … */
  tokenPositions: {
    shape: ["S"],
    fill: ({ tree }) => {
      const next = new Array(tree.lengths.length + 1).fill(0);
      return tree.sequences.map((sequence) => next[sequence]++);
    },
  },
  /** The example of each scored token. */
  tokenExamples: {
    shape: ["S"],
    dtype: "int32",
    fill: ({ tree, rows }) => {
      const owners = rows.flatMap(({ completions }, i) =>
        completions.map(() => i)
      );
      owners.push(...rows.keys());
      return tree.sequences.map((sequence) => owners[sequence] ?? 0);
    },
  },
  /** The sequence of each example's first completion. */
  firstCompletions: {
    shape: ["n"],
    dtype: "int32",
    fill: ({ rows }) => firstSequences(rows).slice(0, -1),
  },
  /** The sequence of its second completion. */
  secondCompletions: {
    shape: ["n"],
    dtype: "int32",
    fill: ({ rows }) => firstSequences(rows).slice(0, -1).map((i) => i + 1),
  },
  /** The sequence of its prompt. */
  promptSequences: {
    shape: ["n"],
    dtype: "int32",
    fill: ({ rows }) => rows.map((_, i) => firstSequences(rows).at(-1)! + i),
  },
  /** 1 where the completion is desirable, else 0. */
  desirable: {
    shape: ["n"],
    fill: ({ examples }) => examples.map(({ label }) => Number(label ?? true)),
  },
  /** Sequences from best to worst; the first one fills up shorter lists. */
  rankedCompletions: {
    shape: ["n", "K"],
    dtype: "int32",
    fill: ({ rows }) => {
      const firsts = firstSequences(rows);
      return byRank(rows, (row, rank, has) => firsts[row]! + (has ? rank : 0));
    },
  },
  rankMask: {
    shape: ["n", "K"],
    fill: ({ rows }) => byRank(rows, (_row, _rank, isThere) => Number(isThere)),
  },
  ranks: {
    shape: ["K"],
    fill: ({ rows }) => [...Array(longestList(rows)).keys()],
  },
  examples: { shape: [], fill: ({ totals }) => totals.examples },
  completionTokens: {
    shape: [],
    fill: ({ totals }) => totals.completionTokens,
  },
  promptTokens: { shape: [], fill: ({ totals }) => totals.promptTokens },
} satisfies InputTable<LossMicroBatch>;

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
    get collision() {
      return policy.collisions;
    },
    spread: (perExample) => gather(perExample, batch.tokenExamples),
  };
}

function filledUp(list: readonly number[], length: number): number[] {
  return [...list, ...new Array(length - list.length).fill(0)];
}

/** The first sequence of each row, and the one after the last row's last. */
function firstSequences(rows: readonly LossRow[]): number[] {
  const firsts = [0];
  for (const { completions } of rows) {
    firsts.push(firsts.at(-1)! + completions.length);
  }
  return firsts;
}

/** A table `[n, K]` with a cell for each rank of each row. */
function byRank(
  rows: readonly LossRow[],
  cell: (row: number, rank: number, has: boolean) => number,
): Numbers {
  const longest = longestList(rows);
  const data = rows.flatMap(({ completions }, row) =>
    Array.from(
      { length: longest },
      (_, rank) => cell(row, rank, rank < completions.length),
    )
  );
  return { data, shape: [rows.length, longest] };
}

function longestList(rows: readonly LossRow[]): number {
  return Math.max(...rows.map(({ completions }) => completions.length));
}
