import { apply, type Op, type Value } from "../onnx/graph.ts";
import { add, mul, sub } from "./elementwise.ts";
import { matmul } from "./linalg.ts";
import { softmax } from "./norm.ts";
import { reshape, sum } from "./shaping.ts";

/**
 * Attention, o = softmax(q kᵀ / √size + bias) v, where each key and value head
 * serves the query heads of one group. https://arxiv.org/abs/2305.13245
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
  vjp: ({ inputs: [q, k, v, bias], outputs: [o] }, [dOutput]) => {
    const layout = new Groups(q!, k!);
    const p = layout.group(weights(layout, [q!, k!, bias!]));
    const dO = layout.group(dOutput!);
    const projection = sum(mul(dO, layout.group(o!)), [-1], { keepdims: true });
    const dP = matmul(dO, v!, { transB: true });
    const dS = mul(p, sub(dP, projection));
    const alpha = layout.scale;
    return [
      layout.ungroup(matmul(dS, k!, { alpha })),
      matmul(dS, layout.group(q!), { transA: true, alpha }),
      matmul(p, dO, { transA: true }),
      null,
    ];
  },
  lower: ([q, k, v, bias]) => {
    const layout = new Groups(q!, k!);
    const p = layout.group(weights(layout, [q!, k!, bias!]));
    return [layout.ungroup(matmul(p, v!))];
  },
};
export const attendRows = (q: Value, k: Value, v: Value, bias: Value): Value =>
  apply(Attend, [q, k, v, bias]);

function weights(
  layout: Groups,
  [q, k, bias]: readonly [Value, Value, Value],
): Value {
  const scores = matmul(layout.group(q), k, {
    transB: true,
    alpha: layout.scale,
  });
  return softmax(add(layout.ungroup(scores), bias));
}

/** Query heads `[R, heads, T, x]` and as groups `[R, kvHeads, heads/kvHeads·T, x]`. */
class Groups {
  readonly #heads: readonly [rows: Value["shape"][0], ...Value["shape"]];
  readonly #kvHeads: number;
  readonly scale: number;

  constructor(q: Value, k: Value) {
    const [rows, heads, queries, size] = q.shape;
    this.#heads = [rows!, heads!, queries!];
    this.#kvHeads = k.shape[1] as number;
    this.scale = 1 / Math.sqrt(size as number);
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
