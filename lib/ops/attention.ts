import { apply } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import {
  type Dim,
  dimAt,
  sameType,
  sizeAt,
} from "../onnx/graph/tensor_type.ts";
import { add, mul, sub } from "./elementwise.ts";
import { matmul } from "./linalg.ts";
import { softmax } from "./norm.ts";
import { reshape, sum } from "./shaping.ts";
import { capped } from "./activation.ts";

type Inputs = readonly [q: Value, k: Value, v: Value, bias: Value];
type Scores = { scale: number | null; cap: number | null };

/**
 * The weights are computed again in the backward pass: kept, they would be
 * `heads · T · U` numbers a layer and outgrow everything else beyond some 500
 * tokens. The softmax's backward pass needs Σ dp · p along the keys, which is
 * Σ do · o and so never takes a pass over the weights.
 * https://arxiv.org/abs/2205.14135, appendix B.2
 */
const Attend: Op<Inputs, Scores> = {
  name: "Attend",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs, outputs: [o], attributes }, [dOutput]) => {
    const [q, k, v] = inputs;
    const { layout, scores, p } = weights(inputs, attributes);
    const dO = layout.group(dOutput);
    const projection = sum(mul(dO, layout.group(o)), [-1], { keepdims: true });
    const dP = matmul(dO, v, { transB: true });
    const dS = scores.through(mul(p, sub(dP, projection)));
    const alpha = scaleOf(q, attributes);
    return [
      layout.ungroup(matmul(dS, k, { alpha })),
      matmul(dS, layout.group(q), { transA: true, alpha }),
      matmul(p, dO, { transA: true }),
      null,
    ];
  },
  lower: (inputs, attributes) => {
    const [, , v] = inputs;
    const { layout, p } = weights(inputs, attributes);
    return [layout.ungroup(matmul(p, v))];
  },
};

/** Options of {@linkcode attendRows}. */
export interface AttendOptions {
  /** Factor of q kᵀ; `null` for 1/√size. @default null */
  scale?: number | null;
  /** Bound of the scores, `null` for none. @default null */
  cap?: number | null;
}

/**
 * Attention, softmax(scale · q kᵀ + bias) v, where each key and value head
 * serves the query heads of one group. https://arxiv.org/abs/2305.13245
 * Under a cap c, c tanh(x/c) stands for x = scale · q kᵀ.
 *
 * q is `[R, heads, T, size]`, k and v are `[R, kvHeads, U, size]`, bias is
 * `[R, 1, T, U]` and gets no gradient.
 */
export const attendRows = (
  operands: Inputs,
  { scale = null, cap = null }: AttendOptions = {},
): Value => apply(Attend, operands, { scale, cap });

const scaleOf = (q: Value, { scale }: Scores): number =>
  scale ?? 1 / Math.sqrt(sizeAt(q, -1));

/** The scores of the groups before the bias, and the weights p after it. */
function weights([q, k, _v, bias]: Inputs, attributes: Scores) {
  const layout = new Groups(q, k);
  const alpha = scaleOf(q, attributes);
  const products = matmul(layout.group(q), k, { transB: true, alpha });
  const scores = capped(products, attributes.cap);
  const p = layout.group(softmax(add(layout.ungroup(scores.value), bias)));
  return { layout, scores, p };
}

/** Query heads `[R, heads, T, x]` and as groups `[R, kvHeads, heads/kvHeads·T, x]`. */
class Groups {
  readonly #heads: readonly Dim[];
  readonly #groups: readonly Dim[];

  constructor(q: Value, k: Value) {
    const [rows, heads, queries] = [dimAt(q, 0), sizeAt(q, 1), dimAt(q, 2)];
    const kvHeads = sizeAt(k, 1);
    const share = heads / kvHeads;
    const grouped = typeof queries === "number"
      ? share * queries
      : `${share}·${queries}`;
    this.#heads = [rows, heads, queries];
    this.#groups = [rows, kvHeads, grouped];
  }

  group(x: Value): Value {
    return reshape(x, [...this.#groups, dimAt(x, -1)]);
  }

  ungroup(x: Value): Value {
    return reshape(x, [...this.#heads, dimAt(x, -1)]);
  }
}
