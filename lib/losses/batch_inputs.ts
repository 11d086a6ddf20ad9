import type { InputTable, Numbers } from "../onnx/graph/input_table.ts";
import { Rng } from "../rng.ts";

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
  /** Counts over the whole optimizer batch, by weight. */
  readonly totals: Readonly<
    Record<"examples" | "completionTokens" | "promptTokens", number>
  >;
  /** The draw of whatever a loss samples: the steps taken, 0 in evaluations. */
  readonly draw: number;
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
  /**
   * The place of each scored token in a random order of those of its
   * completion; 0 in prompts. An order is of the draw and of all ids up to the
   * completion's end, so that the rest of the batch does not matter.
   */
  tokenOrder: {
    shape: ["S"],
    fill: ({ tree, rows, draw }) => {
      const lengths = tree.lengths.values();
      const orders = rows.flatMap(({ prompt, completions }) =>
        completions.map((completion) =>
          new Rng([draw, ...prompt, ...completion].join())
            .shuffle(Array(lengths.next().value ?? 0).keys()).values()
        )
      );
      return tree.sequences.map((i) => orders[i]?.next().value ?? 0);
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
