import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import type { TreeBatch } from "../data/tree_batch.ts";
import type { LossInputs, PolicyLogProbs } from "../losses/batch.ts";
import type { BatchStatistics, Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import type { StreamInputs } from "../models/decoder/decoder.ts";
import type { Graph, Shape } from "../onnx/graph.ts";
import {
  fillInputs,
  type InputTable,
  inputValues,
  type Numbers,
} from "../onnx/inputs.ts";
import type { HostTensor } from "../onnx/session.ts";
import { exampleWeights } from "./examples.ts";
import type { Reference } from "./reference.ts";

/** One micro-batch of an optimizer batch, from which inputs are filled. */
export interface MicroBatch {
  readonly tree: TreeBatch;
  /** The row of each of its examples. */
  readonly rows: readonly TokenRow[];
  readonly examples: readonly Pick<Example, "label" | "weight">[];
  /** The examples of the whole optimizer batch. */
  readonly batch: readonly Example[];
  /** Number of the first example in that batch. */
  readonly start: number;
  readonly reference: Reference | null;
  readonly lossOptions: LossOptionValues;
  readonly statistics: BatchStatistics["values"];
}

const float = <B>(shape: Shape, fill: (batch: B) => Numbers) => ({
  shape,
  fill,
});
const int = <B>(shape: Shape, fill: (batch: B) => Numbers) => ({
  shape,
  dtype: "int32" as const,
  fill,
});

/** The inputs of a graph in which a decoder reads a tree batch. */
const STREAM_INPUTS = {
  ids: int(["N"], ({ tree }) => tree.ids),
  positions: float(["N"], ({ tree }) => tree.positions),
  tokenOfSlot: int(["R", "T"], ({ tree }) => inRows(tree, tree.tokenOfSlot)),
  slotOfToken: int(["N"], ({ tree }) => tree.slotOfToken),
  slotMask: float(["R", "T"], ({ tree }) => inRows(tree, tree.slotMask)),
  segmentIds: float(["R", "T"], ({ tree }) => inRows(tree, tree.segmentIds)),
  slotIndex: float(["T"], ({ tree }) => [...Array(tree.rowLength).keys()]),
  predictFrom: int(["S"], ({ tree }) => tree.predictFrom),
  targetIds: int(["S", 1], ({ tree: { targetIds } }) => ({
    data: targetIds,
    shape: [targetIds.length, 1],
  })),
  sequences: int(["S"], ({ tree }) => tree.sequences),
  zeros: float(["Q"], ({ tree }) => filledUp([], tree.lengths.length + 1)),
} satisfies InputTable<Pick<MicroBatch, "tree">>;

/**
 * Every input of a graph that trains, apart from parameters, options and
 * statistics: its type, and how a micro-batch fills it. A loss or a decoder
 * that reads something new adds one entry.
 */
export const INPUTS = {
  ...STREAM_INPUTS,
  lengths: float(["Q"], ({ tree }) => [...tree.lengths, 0]),
  refLogProbs: float(["Q"], ({ tree, rows, reference }) => {
    const known = rows.flatMap((row) => reference?.logProbs(row) ?? []);
    return filledUp(known, tree.lengths.length + 1);
  }),
  tokenRefLogProbs: float(["S"], ({ tree, rows, reference }) => {
    const known = rows.flatMap((row) => reference?.tokenLogProbs(row) ?? []);
    return filledUp(known.flat(), tree.sequences.length);
  }),
  tokenPositions: float(["S"], ({ tree }) => {
    const next = new Array(tree.lengths.length + 1).fill(0);
    return tree.sequences.map((sequence) => next[sequence]++);
  }),
  tokenExamples: int(["S"], ({ tree, rows }) => {
    const owners = rows.flatMap(({ completions }, i) =>
      completions.map(() => i)
    );
    owners.push(...rows.keys());
    return tree.sequences.map((sequence) => owners[sequence] ?? 0);
  }),
  firstCompletions: int(["n"], ({ rows }) => firstSequences(rows).slice(0, -1)),
  secondCompletions: int(
    ["n"],
    ({ rows }) => firstSequences(rows).slice(0, -1).map((first) => first + 1),
  ),
  promptSequences: int(
    ["n"],
    ({ rows }) => rows.map((_, i) => firstSequences(rows).at(-1)! + i),
  ),
  desirable: float(
    ["n"],
    ({ examples }) => examples.map(({ label }) => Number(label ?? true)),
  ),
  // Where a list ends, its first completion fills it up.
  rankedCompletions: int(["n", "K"], ({ rows }) => {
    const firsts = firstSequences(rows);
    return byRank(
      rows,
      (row, rank, isThere) => firsts[row]! + (isThere ? rank : 0),
    );
  }),
  rankMask: float(
    ["n", "K"],
    ({ rows }) => byRank(rows, (_row, _rank, isThere) => Number(isThere)),
  ),
  ranks: float(["K"], ({ rows }) => [...Array(longestList(rows)).keys()]),
  exampleWeights: float(
    ["n"],
    ({ examples }) => examples.map(({ weight = 1 }) => weight),
  ),
  examples: float([], ({ batch }) => weightedSum(batch, () => 1)),
  completionTokens: float(
    [],
    ({ batch }) =>
      weightedSum(
        batch,
        (example) => example.label === false ? 0 : lossLengths(example)[0]!,
      ),
  ),
  promptTokens: float(
    [],
    ({ batch }) => weightedSum(batch, ({ prompt }) => prompt.length - 1),
  ),
} satisfies InputTable<MicroBatch>;

const OPTION = "option.";
const STATISTIC = "statistic.";

/** The numbers among a loss's options: they are fed, so that they may change. */
function optionInputs({ options }: Loss): InputTable<MicroBatch> {
  const entries = Object.entries(options).flatMap(([name, { kind }]) =>
    kind === "number"
      ? [[
        name,
        float([], ({ lossOptions }: MicroBatch) => Number(lossOptions[name])),
      ]]
      : []
  );
  return Object.fromEntries(entries);
}

function statisticInputs({ statistics }: Loss): InputTable<MicroBatch> {
  const entries = Object.entries(statistics?.outputs ?? {}).map(
    ([name, kind]) => [
      name,
      float(kind === "list" ? ["n"] : [], (batch: MicroBatch) => {
        const value = batch.statistics[name]!;
        return typeof value === "number"
          ? value
          : value.slice(batch.start, batch.start + batch.rows.length);
      }),
    ],
  );
  return Object.fromEntries(entries);
}

function prefixed(
  prefix: string,
  table: InputTable<MicroBatch>,
): InputTable<MicroBatch> {
  return Object.fromEntries(
    Object.entries(table).map(([name, input]) => [prefix + name, input]),
  );
}

/** The inputs through which a decoder reads a tree batch. */
export function streamInputs(graph: Graph): StreamInputs {
  return inputValues(graph, STREAM_INPUTS);
}

/** Fills them all. */
export function streamFeeds(tree: TreeBatch): Record<string, HostTensor> {
  return fillInputs(STREAM_INPUTS, { tree });
}

/** Everything that a loss can read in a graph, with the policy's part of it. */
export function lossInputs(
  graph: Graph,
  loss: Loss,
  policy: PolicyLogProbs,
): LossInputs {
  return {
    policy,
    batch: inputValues(graph, INPUTS),
    options: inputValues(graph, optionInputs(loss), OPTION),
    statistics: inputValues(graph, statisticInputs(loss), STATISTIC),
  };
}

/** Every input that a micro-batch can fill in the graph of a loss, by name. */
export function batchInputs(loss: Loss): InputTable<MicroBatch> {
  return {
    ...INPUTS,
    ...prefixed(OPTION, optionInputs(loss)),
    ...prefixed(STATISTIC, statisticInputs(loss)),
  };
}

function inRows({ rowLength }: TreeBatch, data: ArrayLike<number>): Numbers {
  return { data, shape: [data.length / rowLength, rowLength] };
}

function filledUp(list: readonly number[], length: number): number[] {
  return [...list, ...new Array(length - list.length).fill(0)];
}

/** Σ weight · count over the examples of an optimizer batch. */
function weightedSum(
  batch: readonly Example[],
  count: (example: Example) => number,
): number {
  const weights = exampleWeights(batch);
  return batch.reduce((sum, each, i) => sum + weights[i]! * count(each), 0);
}

/** The first sequence of each row, and the one after the last row's last. */
function firstSequences(rows: readonly TokenRow[]): number[] {
  const firsts = [0];
  for (const { completions } of rows) {
    firsts.push(firsts.at(-1)! + completions.length);
  }
  return firsts;
}

/** A table `[n, K]` with a cell for each rank of each row. */
function byRank(
  rows: readonly TokenRow[],
  cell: (row: number, rank: number, isThere: boolean) => number,
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

function longestList(rows: readonly TokenRow[]): number {
  return Math.max(...rows.map(({ completions }) => completions.length));
}
