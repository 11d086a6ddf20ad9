import type { Example, TokenRow } from "../data/example.ts";
import type { TreeBatch } from "../data/tree_batch.ts";
import { BATCH_INPUTS, type LossMicroBatch } from "../losses/batch_inputs.ts";
import type { LossInputs, PolicyLogProbs } from "../losses/batch.ts";
import type { BatchStatistics, Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import type { StreamInputs } from "../models/decoder/decoder.ts";
import type { Graph } from "../onnx/graph/graph.ts";
import type { InputTable, Numbers } from "../onnx/graph/input_table.ts";
import { fillInputs, inputValues } from "../onnx/inputs.ts";
import type { HostTensor } from "../onnx/tensors.ts";
import { cutsOf, tileInputs, tileValues } from "./tile_inputs.ts";

/** One micro-batch of an optimizer batch, from which inputs are filled. */
export interface MicroBatch extends LossMicroBatch {
  readonly tree: TreeBatch;
  readonly rows: readonly TokenRow[];
  readonly examples: readonly Pick<Example, "label" | "weight" | "ratings">[];
  readonly lossOptions: LossOptionValues;
  /** Statistics of the optimizer batch. */
  readonly statistics: BatchStatistics["values"];
  /** Number of the first example in the optimizer batch. */
  readonly start: number;
  /** Factor of the gradient, for graphs that scale it. @default 1 */
  readonly lossScale?: number;
}

/** The inputs through which a decoder reads a tree batch. */
const STREAM_INPUTS = {
  ids: { shape: ["N"], dtype: "int32", fill: ({ tree }) => tree.ids },
  positions: { shape: ["N"], fill: ({ tree }) => tree.positions },
  tokenOfSlot: {
    shape: ["R", "T"],
    dtype: "int32",
    fill: ({ tree }) => inRows(tree, tree.tokenOfSlot),
  },
  slotOfToken: {
    shape: ["N"],
    dtype: "int32",
    fill: ({ tree }) => tree.slotOfToken,
  },
  slotMask: {
    shape: ["R", "T"],
    fill: ({ tree }) => inRows(tree, tree.slotMask),
  },
  segmentIds: {
    shape: ["R", "T"],
    fill: ({ tree }) => inRows(tree, tree.segmentIds),
  },
  slotIndex: {
    shape: ["T"],
    fill: ({ tree }) => [...Array(tree.rowLength).keys()],
  },
  predictFrom: {
    shape: ["S"],
    dtype: "int32",
    fill: ({ tree }) => tree.predictFrom,
  },
  targetIds: {
    shape: ["S", 1],
    dtype: "int32",
    fill: ({ tree: { targetIds } }) => ({
      data: targetIds,
      shape: [targetIds.length, 1],
    }),
  },
  sequences: {
    shape: ["S"],
    dtype: "int32",
    fill: ({ tree }) => tree.sequences,
  },
  zeros: {
    shape: ["Q"],
    fill: ({ tree }) => new Array(tree.lengths.length + 1).fill(0),
  },
} satisfies InputTable<Pick<MicroBatch, "tree">>;

/**
 * Every input of a graph that trains, apart from parameters, options and
 * statistics. A loss or a decoder that reads something new adds one entry.
 */
export const INPUTS = {
  ...STREAM_INPUTS,
  ...BATCH_INPUTS,
  exampleWeights: {
    shape: ["n"],
    fill: ({ examples }) => examples.map(({ weight = 1 }) => weight),
  },
  lossScale: { shape: [], fill: ({ lossScale = 1 }) => lossScale },
} satisfies InputTable<MicroBatch>;

const OPTION = "option.";
const STATISTIC = "statistic.";

/** The numbers among a loss's options: they are fed, so that they may change. */
function optionInputs({ options }: Loss): InputTable<MicroBatch> {
  const entries = Object.entries(options).flatMap(([name, { kind }]) =>
    kind === "number"
      ? [[
        name,
        {
          shape: [],
          fill: ({ lossOptions }: MicroBatch) => Number(lossOptions[name]),
        },
      ]]
      : []
  );
  return Object.fromEntries(entries);
}

/** The part of a micro-batch from which statistics are filled. */
type WithStatistics = Pick<MicroBatch, "statistics" | "start"> & {
  readonly rows: { readonly length: number };
};

function statisticInputs({ statistics }: Loss): InputTable<WithStatistics> {
  const entries = Object.entries(statistics?.outputs ?? {}).map(
    ([name, kind]) => [
      name,
      {
        shape: kind === "list" ? ["n"] : [],
        fill: (batch: WithStatistics) => {
          const value = batch.statistics[name]!;
          return typeof value === "number"
            ? value
            : value.slice(batch.start, batch.start + batch.rows.length);
        },
      },
    ],
  );
  return Object.fromEntries(entries);
}

function prefixed<Batch>(
  prefix: string,
  table: InputTable<Batch>,
): InputTable<Batch> {
  return Object.fromEntries(
    Object.entries(table).map(([name, input]) => [prefix + name, input]),
  );
}

/**
 * The inputs through which a decoder reads a tree batch.
 *
 * @param cuts of attention, as in `treeBatch()`.
 */
export function streamInputs(graph: Graph, cuts = 0): StreamInputs {
  const stream = inputValues(graph, STREAM_INPUTS);
  // Not a copy: what is read of it decides what the graph declares.
  return Object.assign(stream, { tiling: tileValues(graph, cuts) });
}

/** Fills the inputs through which a decoder reads a tree batch. */
export function streamFeeds(tree: TreeBatch): Record<string, HostTensor> {
  return fillInputs({ ...STREAM_INPUTS, ...tileInputs(cutsOf(tree)) }, {
    tree,
  });
}

/** Everything that a loss can read in a graph; `policy` is the model's part. */
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
export function batchInputs(loss: Loss, cuts = 0): InputTable<MicroBatch> {
  return {
    ...INPUTS,
    ...tileInputs(cuts),
    ...prefixed(OPTION, optionInputs(loss)),
    ...prefixed(STATISTIC, statisticInputs(loss)),
  };
}

/**
 * Fills the inputs of a loss's statistics anew in a graph that computes the
 * loss of n examples.
 */
export function statisticFeeds(
  loss: Loss,
  { statistics, examples }: {
    readonly statistics: BatchStatistics["values"];
    readonly examples: number;
  },
  graph: Graph,
): Record<string, HostTensor> {
  return fillInputs(
    prefixed(STATISTIC, statisticInputs(loss)),
    { statistics, start: 0, rows: { length: examples } },
    graph,
  );
}

function inRows({ rowLength }: TreeBatch, data: ArrayLike<number>): Numbers {
  return { data, shape: [data.length / rowLength, rowLength] };
}
