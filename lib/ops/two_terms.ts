import { apply } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import { dimAt, type Type } from "../onnx/graph/tensor_type.ts";
import { add, min, mul, neg, sub } from "./elementwise.ts";
import { transpose, unsqueeze } from "./shaping.ts";

type Parts = readonly [codes: Value, scales: Value];

/** No gradient flows: the matrix is frozen. */
const DequantizeRows: Op<Parts> = {
  name: "DequantizeRows",
  domain: "prefgrad",
  rematerialize: true,
  infer: ([{ shape }, { dtype }]) => [{ dtype, shape }],
  lower: (parts) => [apply(DequantizeLinear, parts, { axis: 0 })],
  absorb: ([codes, scales], _, { op, attributes, inputs: [x, , c] }) => {
    const { transA, transB, alpha } = attributes;
    if (op.name !== "Gemm" || transA || alpha !== 1) return null;
    if (!codes.graph.accepts(MatMulIntegerToFloat, {})) return null;
    const y = transB
      ? product(x!, transpose(codes, [1, 0]), scales)
      : product(mul(x!, scales), codes, codes.graph.scalar(1));
    return [c ? add(y, c) : y];
  },
};
/**
 * W of which row n is scaleₙ · codesₙ.
 *
 * On CPU products x Wᵀ and x W are of whole numbers: each row of x is rounded to
 * 8 bits, and the rest of it to 8 more, x ≈ s (h + l / 254) with h and l from −127
 * to 127 and s = max |x| / 127, so that x Wᵀ = s (h codesᵀ + l codesᵀ / 254) scale.
 * A number is off by max |x| / 64,516 at most. A row has a scale of its own
 * because some tokens have values hundreds of times as large as all others.
 * Derivatives are those without rounding. https://arxiv.org/abs/2208.07339 (scales
 * of rows), https://arxiv.org/abs/2402.17762 (large values)
 *
 * @param codes int8 `[rows, columns]`, of which neither is beyond 65,000: sums
 * are in int32.
 * @param scales float32 `[rows]`.
 */
export const dequantizeRows = (codes: Value, scales: Value): Value =>
  apply(DequantizeRows, [codes, scales]);

/** x · codes, of which each column has a scale, or all have one. */
function product(x: Value, codes: Value, scales: Value): Value {
  const { high, low, scale } = termsOf(x);
  const { graph } = x;
  const zero = graph.constant(Uint8Array.of(ZERO), []);
  const by = (term: Value, factor: number) =>
    apply(MatMulIntegerToFloat, [
      ...[term, codes, graph.scalar(factor), scales, zero] as const,
    ]);
  return mul(add(by(high, 1), by(low, 1 / STEPS)), unsqueeze(scale, [1]));
}

/** x ≈ scale · (high − 128 + (low − 128) / 254) */
interface Terms {
  /** uint8 `[rows, columns]` */
  readonly high: Value;
  /** uint8 `[rows, columns]` */
  readonly low: Value;
  /** float32 `[rows]` */
  readonly scale: Value;
}

/** The largest code. */
const LARGEST = 127;
/** Steps of the second term in one of the first. */
const STEPS = 2 * LARGEST;
/** The code of zero: kernels are fast where codes of one side have no sign. */
const ZERO = 128;
/** Rows are at least so large, so that no scale is zero. */
const SMALLEST = 1e-30;

/** Terms by value, since several layers read one. */
const termsByValue = new WeakMap<Value, Terms>();

function termsOf(x: Value): Terms {
  const terms = termsByValue.get(x) ?? inTerms(x);
  termsByValue.set(x, terms);
  return terms;
}

function inTerms(x: Value): Terms {
  const axes = x.graph.integers([1]);
  const [most, least] = [ReduceMax, ReduceMin]
    .map((op) => apply(op, [x, axes], { keepdims: false })) as [Value, Value];
  const size = neg(min(min(least, neg(most)), -SMALLEST));
  const scale = mul(size, 1 / LARGEST);
  const zero = apply(ToBytes, [add(mul(scale, 0), ZERO)], { to: "uint8" });
  const high = apply(QuantizeLinear, [x, scale, zero], { axis: 0 });
  const rest = sub(
    x,
    apply(DequantizeLinear, [high, scale, zero], { axis: 0 }),
  );
  const low = apply(
    QuantizeLinear,
    [rest, mul(scale, 1 / STEPS), zero],
    { axis: 0 },
  );
  return { high, low, scale };
}

type Reduce = Op<readonly [x: Value, axes: Value], { keepdims: false }>;
const overColumns: Pick<Reduce, "infer"> = {
  infer: ([x]) => [{ dtype: x.dtype, shape: [dimAt(x, 0)] }],
};
const ReduceMax: Reduce = { name: "ReduceMax", ...overColumns };
const ReduceMin: Reduce = { name: "ReduceMin", ...overColumns };

const ToBytes: Op<readonly [x: Value], { to: "uint8" }> = {
  name: "Cast",
  written: { to: "type" },
  infer: ([{ shape }], { to }) => [{ dtype: to, shape }],
};

const QuantizeLinear: Op<
  readonly [x: Value, scales: Value, zeros: Value],
  { axis: number }
> = {
  name: "QuantizeLinear",
  infer: ([{ shape }, , { dtype }]) => [{ dtype, shape }],
};

const DequantizeLinear: Op<
  readonly [x: Value, scales: Value, ...zeros: Value[]],
  { axis: number }
> = {
  name: "DequantizeLinear",
  infer: ([{ shape }, { dtype }]) => [{ dtype, shape }],
};

/** aScale · bScale · (a − aZero) b, where b has a scale for each column. */
const MatMulIntegerToFloat: Op<
  readonly [a: Value, b: Value, aScale: Value, bScale: Value, aZero: Value]
> = {
  name: "MatMulIntegerToFloat",
  domain: "com.microsoft",
  infer: ([a, b, { dtype }]): readonly [Type] => [{
    dtype,
    shape: [dimAt(a, 0), dimAt(b, 1)],
  }],
};
