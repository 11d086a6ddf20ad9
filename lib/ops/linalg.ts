import {
  apply,
  type Attributes,
  type Dim,
  type Op,
  type Shape,
  type Type,
  type Value,
} from "../onnx/graph.ts";
import { mul } from "./elementwise.ts";
import { transpose } from "./shaping.ts";

export interface MatMulOptions {
  /** Uses aᵀ. @default false */
  transA?: boolean;
  /** Uses bᵀ. @default false */
  transB?: boolean;
  /** Factor of the product. @default 1 */
  alpha?: number;
}

/** y = α · op(a) · op(b) + c of matrices; c may be absent. */
export const Gemm: Op = {
  name: "Gemm",
  infer: product,
  vjp: (node, [dy]) => {
    const da = factorsOfA(node.inputs, dy!, node.attributes);
    const db = factorsOfB(node.inputs, dy!, node.attributes);
    return [gemm(...da), gemm(...db), dy!];
  },
  vjpInto: (node, [dy], sum, index) => {
    if (index > 1) return null;
    const factors = index === 0 ? factorsOfA : factorsOfB;
    const [a, b, options] = factors(node.inputs, dy!, node.attributes);
    return apply(Gemm, [a, b, sum], attributesOf(options));
  },
};
export const gemm = (a: Value, b: Value, options: MatMulOptions = {}): Value =>
  apply(Gemm, [a, b], attributesOf(options));

/** y = op(a) · op(b) + c, where c may be a row for all rows. */
export const affine = (
  [a, b, c]: readonly [a: Value, b: Value, c: Value],
  options: MatMulOptions = {},
): Value => apply(Gemm, [a, b, c], attributesOf(options));

/** y = α · op(a) · op(b) over equal leading dimensions. */
export const FusedMatMul: Op = {
  name: "FusedMatMul",
  domain: "com.microsoft",
  infer: product,
  vjp: (node, [dy]) => [
    matmul(...factorsOfA(node.inputs, dy!, node.attributes)),
    matmul(...factorsOfB(node.inputs, dy!, node.attributes)),
  ],
  lower: ([a, b], attributes) => {
    const { transA, transB, alpha } = optionsOf(attributes);
    const product = apply(MatMul, [
      transA ? swapLast(a!) : a!,
      transB ? swapLast(b!) : b!,
    ]);
    return [alpha === 1 ? product : mul(product, alpha)];
  },
};
export const matmul = (
  a: Value,
  b: Value,
  options: MatMulOptions = {},
): Value => apply(FusedMatMul, [a, b], attributesOf(options));

/** What `FusedMatMul` is lowered to; differentiated before, so no vjp. */
const MatMul: Op = { name: "MatMul", infer: product };

type Factors = [a: Value, b: Value, options: Required<MatMulOptions>];

function factorsOfA(
  [, b]: readonly Value[],
  dy: Value,
  attributes: Attributes,
): Factors {
  const { transA, transB, alpha } = optionsOf(attributes);
  return transA
    ? [b!, dy, { transA: transB, transB: true, alpha }]
    : [dy, b!, { transA: false, transB: !transB, alpha }];
}

function factorsOfB(
  [a]: readonly Value[],
  dy: Value,
  attributes: Attributes,
): Factors {
  const { transA, transB, alpha } = optionsOf(attributes);
  return transB
    ? [dy, a!, { transA: true, transB: transA, alpha }]
    : [a!, dy, { transA: !transA, transB: false, alpha }];
}

function attributesOf(
  { transA = false, transB = false, alpha = 1 }: MatMulOptions,
): Attributes {
  return {
    transA: Number(transA),
    transB: Number(transB),
    alpha: { float: alpha },
  };
}

function optionsOf(attributes: Attributes): Required<MatMulOptions> {
  const alpha = attributes["alpha"];
  return {
    transA: attributes["transA"] === 1,
    transB: attributes["transB"] === 1,
    alpha: typeof alpha === "object" && "float" in alpha ? alpha.float : 1,
  };
}

function product([a, b]: readonly Value[], attributes: Attributes): Type[] {
  const { transA, transB } = optionsOf(attributes);
  const [m, k] = lastTwo(a!.shape, transA);
  const [k2, n] = lastTwo(b!.shape, transB);
  const lead = a!.shape.slice(0, -2);
  if (k !== k2) throw new RangeError(`inner dimensions ${k} and ${k2} differ`);
  if (lead.join() !== b!.shape.slice(0, -2).join()) {
    throw new RangeError("their leading dimensions differ");
  }
  return [{ dtype: a!.dtype, shape: [...lead, m, n] }];
}

function lastTwo(shape: Shape, swapped: boolean): [Dim, Dim] {
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined || columns === undefined) {
    throw new RangeError("expected at least two dimensions each");
  }
  return swapped ? [columns, rows] : [rows, columns];
}

function swapLast(x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
}
