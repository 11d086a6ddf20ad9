import {
  attentionTiles,
  type Places,
  type Slots,
} from "lib/data/attention_tiles.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { tiledAttention } from "lib/models/decoder/tiles.ts";
import { ONE_LAYER } from "../models/random_decoder.ts";
import * as e from "lib/ops/elementwise.ts";
import type { Operand } from "lib/onnx/graph/apply.ts";
import type { Graph, Value } from "lib/onnx/graph/graph.ts";
import { activate, ACTIVATION_NAMES, erf, gated } from "lib/ops/activation.ts";
import { attendRows } from "lib/ops/attention.ts";
import { type HeadOptions, tokenLogProbs } from "lib/ops/head.ts";
import {
  gather,
  pick,
  segmentSum,
  toRows,
  toStream,
} from "lib/ops/indexing.ts";
import { affine, gemm, matmul } from "lib/ops/linalg.ts";
import { cos, log1mExp, logistic, sin, softplus } from "lib/ops/special.ts";
import { layerNorm, logSoftmax, rmsNorm, softmax } from "lib/ops/norm.ts";
import { rotate } from "lib/ops/rope.ts";
import {
  concat,
  reshape,
  split,
  sum,
  transpose,
  unsqueeze,
} from "lib/ops/shaping.ts";

type Build = (x: Value, y: Value) => Value;

/** Name, shape of x, shape of y, a value that depends on both. */
export type OpCase = [
  name: string,
  xShape: number[],
  yShape: number[],
  build: Build,
];

const each = (f: (x: Operand) => Value): Build => (x, y) => e.mul(f(x), y);
const ints = (g: Graph, list: number[], shape = [list.length]) =>
  g.constant(Int32Array.from(list), shape);
const floats = (g: Graph, list: number[], shape: number[]) =>
  g.constant(
    g.float === "float64" ? Float64Array.from(list) : Float32Array.from(list),
    shape,
  );

/** Three slots of the first row, two of the second; the last holds nothing. */
const layout = (g: Graph) => ({
  tokenOfSlot: ints(g, [0, 1, 2, 3, 4, 0], [2, 3]),
  slotOfToken: ints(g, [0, 1, 2, 3, 4]),
  slotMask: floats(g, [1, 1, 1, 1, 1, 0], [2, 3]),
});

/** 0 where a key is not later than the query, of three. */
const causal = (g: Graph) =>
  floats(g, [0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0], [1, 1, 3, 3]);

/** Attention over two prompts of two tokens, one with a continuation of two. */
function inTiles(
  { window = null, ...model }: Partial<DecoderConfig> & {
    window?: number | null;
  },
  cuts: number,
): Build {
  const rows = [{ prompt: [1, 2], completions: [[3, 4]] }, {
    prompt: [5, 6],
    completions: [],
  }];
  const { tiles, queryPlaces, keyPlaces } = attentionTiles(rows, cuts);
  const config = { ...ONE_LAYER, headDim: 2, ...model };
  const perLayer = [{ rope: null, window }];
  return (q, k) => {
    const held = ({ data, shape }: Slots | Places) =>
      floats(q.graph, [...data], [...shape]);
    const attend = tiledAttention({ ...config, perLayer }, {
      tiles: tiles.map(({ queries, keys }) => ({
        queries: held(queries),
        keys: held(keys),
      })),
      queryPlaces: held(queryPlaces),
      keyPlaces: held(keyPlaces),
      positions: floats(q.graph, [0, 1, 2, 3, 0, 1], [6]),
    });
    return attend({ q, k, v: e.mul(k, k) }, 0);
  };
}

/** Every operator, in values that can be differentiated. */
export const OP_CASES: OpCase[] = [
  ["Add", [2, 3], [3], e.add],
  ["Sub", [2, 3], [2, 1], e.sub],
  ["Mul", [2, 3], [1, 3], e.mul],
  ["Div", [2, 3], [1, 3], e.div],
  ["Min", [2, 3], [2, 1], e.min],
  ["max()", [2, 3], [2, 1], e.max],
  ["Neg", [2, 3], [1], each(e.neg)],
  ["Exp", [2, 3], [1], each(e.exp)],
  ["Log", [2, 3], [1], each(e.log)],
  ["Sqrt", [2, 3], [1], each(e.sqrt)],
  ["Sigmoid", [2, 3], [1], each(e.sigmoid)],
  ["LogOnePlusExp", [2, 3], [1], each(softplus)],
  ["Logistic", [2, 3], [1], each(logistic)],
  ["Tanh", [2, 3], [1], each(e.tanh)],
  ["Sin", [2, 3], [1], each(sin)],
  ["Cos", [2, 3], [1], each(cos)],
  ["LogOneMinusExp", [2, 3], [1], each((x) => log1mExp(e.neg(x)))],
  ["a value used twice", [2, 3], [3], (x, y) => e.mul(e.add(x, y), x)],
  ["ReduceSum", [2, 3], [2], (x, y) => e.mul(sum(e.mul(x, x), [1]), y)],
  [
    "ReduceSum, kept",
    [2, 3],
    [2, 1],
    (x, y) => e.mul(sum(e.mul(x, x), [1], { keepdims: true }), y),
  ],
  ["Unsqueeze", [2, 3], [2, 4, 3], (x, y) => e.mul(unsqueeze(x, [1]), y)],
  ["Reshape", [2, 6], [3, 4], (x, y) => e.mul(reshape(x, [3, 4]), y)],
  [
    "Transpose",
    [2, 3, 4],
    [4, 2, 3],
    (x, y) => e.mul(transpose(x, [2, 0, 1]), y),
  ],
  ["Gemm", [2, 3], [3, 4], gemm],
  [
    "Gemm, both transposed",
    [3, 2],
    [4, 3],
    (x, y) => gemm(x, y, { transA: true, transB: true, alpha: 0.5 }),
  ],
  [
    "Gemm, second transposed",
    [2, 3],
    [4, 3],
    (x, y) => gemm(x, y, { transB: true }),
  ],
  [
    "Gemm, first transposed",
    [3, 2],
    [3, 4],
    (x, y) => gemm(x, y, { transA: true }),
  ],
  [
    "Gemm with a row added",
    [2, 3],
    [3],
    (x, y) => affine([x, gemm(x, x, { transA: true }), y]),
  ],
  ["Gemm, used twice", [3, 3], [3, 3], (x, y) => gemm(gemm(x, y), y)],
  ["FusedMatMul", [2, 2, 3], [2, 3, 4], matmul],
  [
    "FusedMatMul, transposed",
    [2, 3, 2],
    [2, 4, 3],
    (x, y) => matmul(x, y, { transA: true, transB: true, alpha: 2 }),
  ],
  [
    "Gather",
    [4, 3],
    [3, 3],
    (x, y) => e.mul(gather(x, ints(x.graph, [2, 0, 2])), y),
  ],
  ["Gather, twice from the same", [4, 3], [3, 3], (x, y) =>
    e.mul(
      e.mul(gather(x, ints(x.graph, [2, 0, 2])), y),
      gather(x, ints(x.graph, [1, 1, 3])),
    )],
  [
    "GatherElements",
    [3, 4],
    [3, 1],
    (x, y) => e.mul(pick(x, ints(x.graph, [1, 3, 0], [3, 1])), y),
  ],
  [
    "ScatterElements",
    [4],
    [3],
    (x, y) => e.exp(segmentSum(x, ints(x.graph, [2, 0, 2, 1]), y)),
  ],
  [
    "ToRows",
    [5, 3],
    [2, 3, 3],
    (x, y) =>
      e.mul(
        e.mul(
          toRows(x, layout(x.graph)),
          unsqueeze(layout(x.graph).slotMask, [2]),
        ),
        y,
      ),
  ],
  [
    "ToStream",
    [2, 3, 3],
    [5, 3],
    (x, y) => e.mul(toStream(x, layout(x.graph)), y),
  ],
  ["RMS norm", [2, 4], [4], (x, y) => e.mul(rmsNorm(x, y, 0.1), x)],
  [
    "layer norm",
    [2, 4],
    [4],
    (x, y) => e.mul(layerNorm(x, [y, e.mul(y, y)], 0.1), x),
  ],
  ["Split", [2, 5], [2, 3], (x, y) => {
    const [a, b] = split(e.mul(x, x), [2, 3], 1);
    return e.mul(sum(e.mul(a!, a!), [1], { keepdims: true }), e.mul(b!, y));
  }],
  ["Concat", [2, 2], [3, 2], (x, y) => {
    const both = concat([e.mul(x, x), y], 0);
    return e.mul(both, both);
  }],
  ["Split, of which a part is used", [2, 5], [2, 3], (x, y) => {
    const [, b] = split(x, [2, 3], 1);
    return e.mul(b!, y);
  }],
  ["Softmax", [2, 4], [2, 4], (x, y) => e.mul(softmax(x), y)],
  ["LogSoftmax", [2, 4], [2, 4], (x, y) => e.mul(logSoftmax(x), y)],
  ["Erf", [2, 3], [1], each((x) => erf(e.sub(x, 0.8)))],
  ...ACTIVATION_NAMES.flatMap((f): OpCase[] => [
    [f, [2, 4], [1], (x, y) => e.mul(activate(f, e.sub(x, 0.8)), y)],
    [
      `${f}, gated`,
      [2, 4],
      [2, 4],
      (x, y) => gated(f, e.sub(x, 0.8), y),
    ],
  ]),
  ["Rotate", [3, 2, 4], [3, 2, 4], (x, y) => {
    const angle = floats(x.graph, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [3, 1, 2]);
    return e.mul(rotate(x, cos(angle), sin(angle)), y);
  }],
  ["Rotate, in part", [3, 2, 5], [3, 2, 5], (x, y) => {
    const angle = floats(x.graph, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [3, 1, 2]);
    return e.mul(rotate(x, cos(angle), sin(angle)), y);
  }],
  ["Attend, queries and keys", [1, 4, 3, 2], [1, 2, 3, 2], (q, k) => {
    const v = e.mul(k, k);
    return attendRows([q, k, v, causal(q.graph)]);
  }],
  ["Attend, scaled and capped", [1, 4, 3, 2], [1, 2, 3, 2], (q, k) => {
    const v = e.mul(k, k);
    const options = { scale: 0.9, cap: 1.3 };
    return attendRows([q, k, v, causal(q.graph)], options);
  }],
  ["AttendTiles, queries and keys", [6, 4, 2], [6, 2, 2], inTiles({}, 1)],
  [
    "AttendTiles, scaled, capped, in a window and in two cuts",
    [6, 4, 2],
    [6, 2, 2],
    inTiles({ attentionScale: 0.4, attentionCap: 1.3, window: 3 }, 2),
  ],
  ...[{ chunks: 1 }, { chunks: 2 }, { chunks: 2, cap: 1.5 }].flatMap(
    headCases,
  ),
];

/** The head, trained and frozen. */
function headCases(options: Omit<HeadOptions, "trained">): OpCase[] {
  const which = `head in ${options.chunks} chunks` +
    (options.cap ? ", capped" : "");
  return [
    [
      `the trained ${which}`,
      [4, 3],
      [5, 3],
      (x, y) =>
        tokenLogProbs([x, y, ints(x.graph, [4, 0, 1, 1], [4, 1])], {
          trained: true,
          ...options,
        }).logProb,
    ],
    [`the frozen ${which}`, [4, 3], [4, 1], (x, y) => {
      const head = floats(
        x.graph,
        Array.from({ length: 15 }, (_, i) => Math.cos(i)),
        [5, 3],
      );
      return e.mul(
        tokenLogProbs([x, head, ints(x.graph, [4, 0, 1, 1], [4, 1])], {
          trained: false,
          ...options,
        }).logProb,
        y,
      );
    }],
  ];
}
