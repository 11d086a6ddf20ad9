import { apply, type Attributes, type Op, type Value } from "../onnx/graph.ts";
import { add, mul, sub } from "./elementwise.ts";
import { matmul } from "./linalg.ts";
import { softmax } from "./norm.ts";
import { reshape, sum } from "./shaping.ts";
import { capOf, capped } from "./activation.ts";

/**
 * Attention, o = softmax(scale · q kᵀ + bias) v, where each key and value head
 * serves the query heads of one group. https://arxiv.org/abs/2305.13245
 * Under a cap c, c tanh(x/c) stands for x = scale · q kᵀ.
 *
 * q is `[R, heads, T, size]`, k and v are `[R, kvHeads, U, size]`, bias is
 * `[R, 1, T, U]` and gets no gradient.
 *
 * The weights are computed again in the backward pass: kept, they would be
 * `heads · T · U` numbers a layer and outgrow everything else beyond some 500
 * tokens. The softmax's backward pass needs Σ dp · p along the keys, which is
 * Σ do · o and so never takes a pass over the weights.
 * https://arxiv.org/abs/2205.14135, appendix B.2
 */
export const Attend: Op = {
  name: "Attend",
  domain: "prefgrad",
  infer: ([q]) => [{ dtype: q!.dtype, shape: q!.shape }],
  vjp: ({ inputs: [q, k, v, bias], outputs: [o], attributes }, [dOutput]) => {
    const layout = new Groups(q!, k!);
    const scores = scoresOf(layout, [q!, k!], attributes);
    const p = layout.group(weights(layout, scores.value, bias!));
    const dO = layout.group(dOutput!);
    const projection = sum(mul(dO, layout.group(o!)), [-1], { keepdims: true });
    const dP = matmul(dO, v!, { transB: true });
    const dS = scores.through(mul(p, sub(dP, projection)));
    const alpha = scaleOf(q!, attributes);
    return [
      layout.ungroup(matmul(dS, k!, { alpha })),
      matmul(dS, layout.group(q!), { transA: true, alpha }),
      matmul(p, dO, { transA: true }),
      null,
    ];
  },
  lower: ([q, k, v, bias], attributes) => {
    const layout = new Groups(q!, k!);
    const { value } = scoresOf(layout, [q!, k!], attributes);
    const p = layout.group(weights(layout, value, bias!));
    return [layout.ungroup(matmul(p, v!))];
  },
};

export interface AttendOptions {
  /** Factor of q kᵀ; `null` for 1/√size. @default null */
  scale?: number | null;
  /** Bound of the scores, `null` for none. @default null */
  cap?: number | null;
}

export function attendRows(
  operands: readonly [q: Value, k: Value, v: Value, bias: Value],
  { scale = null, cap = null }: AttendOptions = {},
): Value {
  return apply(Attend, operands, {
    ...scale !== null && { scale: { float: scale } },
    ...cap !== null && { cap: { float: cap } },
  });
}

function scaleOf(q: Value, { scale }: Attributes): number {
  return typeof scale === "object" && "float" in scale
    ? scale.float
    : 1 / Math.sqrt(q.shape.at(-1) as number);
}

/** Scores of the groups, without the bias. */
function scoresOf(
  layout: Groups,
  [q, k]: readonly [Value, Value],
  attributes: Attributes,
) {
  const alpha = scaleOf(q, attributes);
  const scores = matmul(layout.group(q), k, { transB: true, alpha });
  return capped(scores, capOf(attributes));
}

function weights(layout: Groups, scores: Value, bias: Value): Value {
  return softmax(add(layout.ungroup(scores), bias));
}

/** Query heads `[R, heads, T, x]` and as groups `[R, kvHeads, heads/kvHeads·T, x]`. */
class Groups {
  readonly #heads: readonly [rows: Value["shape"][0], ...Value["shape"]];
  readonly #kvHeads: number;

  constructor(q: Value, k: Value) {
    const [rows, heads, queries] = q.shape;
    this.#heads = [rows!, heads!, queries!];
    this.#kvHeads = k.shape[1] as number;
  }

  group(x: Value): Value {
    const [rows, heads, queries] = this.#heads;
    const share = (heads as number) / this.#kvHeads;
    const grouped = typeof queries === "number"
      ? share * queries
      : `${share}·${queries}`;
    return reshape(x, [rows, this.#kvHeads, grouped, x.shape.at(-1)!]);
  }

  ungroup(x: Value): Value {
    return reshape(x, [...this.#heads, x.shape.at(-1)!]);
  }
}
