import type { Value } from "../../onnx/graph.ts";
import { reshape, split } from "../../ops/shaping.ts";
import type { Architecture } from "../architecture.ts";

/** A linear layer of a block: the module below the layer's, and its size. */
export interface LinearLayer {
  readonly module: string;
  readonly outputs: number;
  readonly inputs: number;
}

/** The parameters of one block, by the names of its modules. */
export interface BlockParameters {
  linear(x: Value, module: string): Value;
  /** x under a norm; x itself where there is none. */
  norm(x: Value, module: string | null): Value;
  value(name: string): Value;
}

export type ProjectionForm = "separate" | "joined" | "by head";

interface Projection {
  layers(architecture: Architecture): readonly LinearLayer[];
  /**
   * Queries, keys and values of a stream, `[N, heads · size]` or
   * `[N, heads, size]` each.
   */
  apply(
    x: Value,
    block: BlockParameters,
    architecture: Architecture,
  ): readonly Value[];
}

/** Ways in which queries, keys and values are stored. */
export const PROJECTIONS: Readonly<Record<ProjectionForm, Projection>> = {
  separate: {
    layers: ({ names, hiddenSize: inputs, ...config }) => {
      const [queries, keys] = widths(config);
      return [
        { module: names.query, outputs: queries, inputs },
        { module: names.key, outputs: keys, inputs },
        { module: names.value, outputs: keys, inputs },
      ];
    },
    apply: (x, { linear }, { names }) =>
      [names.query, names.key, names.value].map((name) => linear(x, name)),
  },
  /** One matrix: all queries, all keys, all values. */
  joined: {
    layers: ({ names, hiddenSize: inputs, ...config }) => {
      const [queries, keys] = widths(config);
      const outputs = queries + 2 * keys;
      return [{ module: names.queryKeyValue, outputs, inputs }];
    },
    apply: (x, { linear }, { names, ...config }) => {
      const [queries, keys] = widths(config);
      return split(linear(x, names.queryKeyValue), [queries, keys, keys], -1);
    },
  },
  /** One matrix: of each head its query, its key, its value. */
  "by head": {
    layers: ({ names, hiddenSize: inputs, heads, headDim }) => [
      { module: names.queryKeyValue, outputs: 3 * heads * headDim, inputs },
    ],
    apply: (x, { linear }, { names, heads, headDim }) => {
      const all = linear(x, names.queryKeyValue);
      const byHead = reshape(all, [x.shape[0]!, heads, 3 * headDim]);
      return split(byHead, [headDim, headDim, headDim], -1);
    },
  },
};

function widths(
  { heads, kvHeads, headDim }: Pick<
    Architecture,
    "heads" | "kvHeads" | "headDim"
  >,
): [queries: number, keys: number] {
  return [heads * headDim, kvHeads * headDim];
}
