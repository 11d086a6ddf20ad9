import type { Value } from "../../onnx/graph/graph.ts";
import { concat, reshape, split, unsqueeze } from "../../ops/shaping.ts";
import type {
  Architecture,
  MlpVariant,
  NormVariant,
  ProjectionVariant,
  QkNormVariant,
} from "../config.ts";
import { activate, gated } from "../../ops/activation.ts";
import { add, mul } from "../../ops/elementwise.ts";
import { layerNorm, rmsNorm } from "../../ops/norm.ts";

/** Supplies a decoder's parameters. */
export interface Parameters {
  /** A parameter by its name in a Hugging Face folder. */
  value(name: string): Value;
  /**
   * Applies the linear layer whose weight has that name, with its bias and its
   * adapter if it has them.
   */
  linear(x: Value, name: string): Value;
  /** Whether a parameter is trained. */
  isTrained(name: string): boolean;
}

/** A linear layer of a block: the module below the layer's, and its size. */
export interface LinearLayer {
  readonly module: string;
  readonly outputs: number;
  readonly inputs: number;
}

/** The parameters of one block, by the names of its modules. */
export interface BlockParameters {
  linear(x: Value, module: string): Value;
  /** Applies a norm to x; gives x itself if `module` is `null`. */
  norm(x: Value, module: string | null): Value;
  value(name: string): Value;
}

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

/** Layouts of queries, keys and values. */
export const PROJECTIONS: Readonly<Record<ProjectionVariant, Projection>> = {
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
  /** One matrix: for each head its query, its key, its value. */
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

interface Mlp {
  layers(architecture: Architecture): readonly LinearLayer[];
  apply(
    x: Value,
    block: BlockParameters,
    architecture: Architecture,
  ): Value;
}

/** Feed-forward layers. */
export const MLPS: Readonly<Record<MlpVariant, Mlp>> = {
  /** W_down (f(W_gate x) · W_up x) */
  gated: {
    layers: ({ names, hiddenSize, intermediateSize }) => [
      { module: names.gate, outputs: intermediateSize, inputs: hiddenSize },
      { module: names.up, outputs: intermediateSize, inputs: hiddenSize },
      { module: names.down, outputs: hiddenSize, inputs: intermediateSize },
    ],
    apply: (x, { linear }, { names, activation }) => {
      const [gate, up] = [linear(x, names.gate), linear(x, names.up)];
      return linear(gated(activation, gate, up), names.down);
    },
  },
  /** `gated` with W_gate and W_up in one matrix. */
  "joined gate": {
    layers: ({ names, hiddenSize, intermediateSize }) => [
      {
        module: names.gateUp,
        outputs: 2 * intermediateSize,
        inputs: hiddenSize,
      },
      { module: names.down, outputs: hiddenSize, inputs: intermediateSize },
    ],
    apply: (x, { linear }, { names, activation, intermediateSize }) => {
      const both = linear(x, names.gateUp);
      const sizes = [intermediateSize, intermediateSize];
      const [gate, up] = split(both, sizes, -1);
      return linear(gated(activation, gate!, up!), names.down);
    },
  },
  /** W_down f(W_up x) */
  plain: {
    layers: ({ names, hiddenSize, intermediateSize }) => [
      { module: names.up, outputs: intermediateSize, inputs: hiddenSize },
      { module: names.down, outputs: hiddenSize, inputs: intermediateSize },
    ],
    apply: (x, { linear }, { names, activation }) => {
      const up = linear(x, names.up);
      return linear(activate(activation, up), names.down);
    },
  },
};

interface Norm {
  /** Names of its vectors below the module's. */
  readonly parts: readonly string[];
  apply(x: Value, part: (name: string) => Value, epsilon: number): Value;
}

/** Norms over the last axis. */
export const NORMS: Readonly<Record<NormVariant, Norm>> = {
  /** x / RMS(x) · w */
  rms: {
    parts: ["weight"],
    apply: (x, part, epsilon) => rmsNorm(x, part("weight"), epsilon),
  },
  /** x / RMS(x) · (1 + w) */
  "offset-rms": {
    parts: ["weight"],
    apply: (x, part, epsilon) => rmsNorm(x, add(part("weight"), 1), epsilon),
  },
  /** (x − mean) / standard deviation · w + b */
  layer: {
    parts: ["weight", "bias"],
    apply: (x, part, epsilon) =>
      layerNorm(x, [part("weight"), part("bias")], epsilon),
  },
  /** (x − mean) / standard deviation */
  "bare-layer": {
    parts: [],
    apply: (x, _part, epsilon) => layerNorm(x, null, epsilon),
  },
};

/** Names of the vectors of a norm. */
export function normVectors(variant: NormVariant, module: string): string[] {
  return NORMS[variant].parts.map((part) => `${module}.${part}`);
}

interface QkNorm {
  /** Its parameters for `count` heads. */
  vectors(
    module: string,
    count: number,
    architecture: Architecture,
  ): { name: string; size: number }[];
  /** Queries or keys by head, `[N, count, size]`, from projected ones. */
  apply(x: Value, options: QkNormOptions): Value;
}

interface QkNormOptions {
  readonly module: string;
  readonly count: number;
  readonly byHead: (x: Value) => Value;
  readonly block: BlockParameters;
  readonly architecture: Architecture;
}

/** Norms of queries and keys. */
export const QK_NORMS: Readonly<Record<QkNormVariant, QkNorm>> = {
  none: { vectors: () => [], apply: (x, { byHead }) => byHead(x) },
  /** Each head, all by the same norm. */
  head: {
    vectors: (module, _count, { norm, headDim: size }) =>
      normVectors(norm, module).map((name) => ({ name, size })),
    apply: (x, { module, byHead, block }) => block.norm(byHead(x), module),
  },
  /** All heads together. */
  whole: {
    vectors: (module, count, { norm, headDim }) =>
      normVectors(norm, module)
        .map((name) => ({ name, size: count * headDim })),
    apply: (x, { module, byHead, block }) => byHead(block.norm(x, module)),
  },
  /** Each head by a layer norm of its own, without a bias. */
  "each head": {
    vectors: (module, count, { headDim: size }) =>
      ownWeights(module, count).map((name) => ({ name, size })),
    apply: (x, { module, count, byHead, block, architecture }) => {
      const unit = layerNorm(byHead(x), null, architecture.normEpsilon);
      const rows = ownWeights(module, count)
        .map((name) => unsqueeze(block.value(name), [0]));
      return mul(unit, concat(rows, 0));
    },
  },
};

function ownWeights(module: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${module}.norms.${i}.weight`);
}
