import { apply } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import type { Dim, Type } from "../onnx/graph/tensor_type.ts";
import { mul } from "./elementwise.ts";
import { transpose } from "./shaping.ts";

/** Options of products of matrices. */
export interface MatMulOptions {
  /** Uses aᵀ. @default false */
  transA?: boolean;
  /** Uses bᵀ. @default false */
  transB?: boolean;
  /** Factor of the product. @default 1 */
  alpha?: number;
}

/** Options with their defaults, in the order in which graphs have them. */
type Product = { transA: boolean; transB: boolean; alpha: number };

const withDefaults = (
  { transA = false, transB = false, alpha = 1 }: MatMulOptions,
): Product => ({ transA, transB, alpha });

/** y = α · op(a) · op(b) + c of matrices; c may be absent. */
const Gemm: Op<readonly [a: Value, b: Value, ...c: Value[]], Product> = {
  name: "Gemm",
  written: { alpha: "float" },
  infer: product,
  vjp: ({ inputs: [a, b], attributes }, [dy]) => [
    gemm(...factorsOfA(b, dy, attributes)),
    gemm(...factorsOfB(a, dy, attributes)),
    dy,
  ],
  vjpInto: ({ inputs: [a, b], attributes }, [dy], sum, index) => {
    if (index > 1) return null;
    const [left, right, options] = index === 0
      ? factorsOfA(b, dy, attributes)
      : factorsOfB(a, dy, attributes);
    return affine([left, right, sum], options);
  },
};
/** α · op(a) · op(b) of matrices, where op may transpose. */
export const gemm = (a: Value, b: Value, options: MatMulOptions = {}): Value =>
  apply(Gemm, [a, b], withDefaults(options));

/** α · op(a) · op(b) + c of matrices, where c may be a row for all rows. */
export const affine = (
  operands: readonly [a: Value, b: Value, c: Value],
  options: MatMulOptions = {},
): Value => apply(Gemm, operands, withDefaults(options));

const FusedMatMul: Op<readonly [a: Value, b: Value], Product> = {
  name: "FusedMatMul",
  domain: "com.microsoft",
  written: { alpha: "float" },
  infer: product,
  vjp: ({ inputs: [a, b], attributes }, [dy]) => [
    matmul(...factorsOfA(b, dy, attributes)),
    matmul(...factorsOfB(a, dy, attributes)),
  ],
  lower: ([a, b], { transA, transB, alpha }) => {
    const product = apply(MatMul, [
      transA ? swapLast(a) : a,
      transB ? swapLast(b) : b,
    ]);
    return [alpha === 1 ? product : mul(product, alpha)];
  },
};
/**
 * α · op(a) · op(b) of matrices in the last two axes, over equal leading ones;
 * op may transpose the last two.
 */
export const matmul = (
  a: Value,
  b: Value,
  options: MatMulOptions = {},
): Value => apply(FusedMatMul, [a, b], withDefaults(options));

/** FusedMatMul is lowered to it; differentiated before, so no vjp. */
const MatMul: Op<readonly [a: Value, b: Value]> = {
  name: "MatMul",
  infer: ([a, b]) => product([a, b], withDefaults({})),
};

type Factors = [a: Value, b: Value, options: Product];

/** The factors of which da is the product. */
function factorsOfA(
  b: Value,
  dy: Value,
  { transA, transB, alpha }: Product,
): Factors {
  return transA
    ? [b, dy, { transA: transB, transB: true, alpha }]
    : [dy, b, { transA: false, transB: !transB, alpha }];
}

/** The factors of which db is the product. */
function factorsOfB(
  a: Value,
  dy: Value,
  { transA, transB, alpha }: Product,
): Factors {
  return transB
    ? [dy, a, { transA: true, transB: transA, alpha }]
    : [a, dy, { transA: !transA, transB: false, alpha }];
}

function product(
  [a, b]: readonly [a: Value, b: Value, ...c: Value[]],
  { transA, transB }: Product,
): readonly [Type] {
  const [m, k] = lastTwo(a, transA);
  const [k2, n] = lastTwo(b, transB);
  const lead = a.shape.slice(0, -2);
  if (k !== k2) throw new RangeError(`inner dimensions ${k} and ${k2} differ`);
  if (lead.join() !== b.shape.slice(0, -2).join()) {
    throw new RangeError("their leading dimensions differ");
  }
  return [{ dtype: a.dtype, shape: [...lead, m, n] }];
}

function lastTwo(x: Type, swapped: boolean): [Dim, Dim] {
  const [rows, columns] = x.shape.slice(-2);
  if (rows === undefined || columns === undefined) {
    throw new RangeError("expected at least two dimensions each");
  }
  return swapped ? [columns, rows] : [rows, columns];
}

function swapLast(x: Value): Value {
  const rank = x.shape.length;
  const lead = Array.from({ length: rank - 2 }, (_, axis) => axis);
  return transpose(x, [...lead, rank - 1, rank - 2]);
}
