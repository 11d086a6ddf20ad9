import { apply, type Op, sameType, type Value } from "../onnx/graph.ts";
import { affine, gemm } from "./linalg.ts";

type Inputs = readonly [y: Value, x: Value, a: Value, b: Value];
type Attributes = { scale: number };

/** dA = s (dy B)ᵀ x and dB = s dyᵀ (x Aᵀ); y and its cotangent pass unchanged. */
const LowRankPart: Op<Inputs, Attributes> = {
  name: "LowRankPart",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs, attributes }, [dy]) => [
    dy,
    null,
    gemm(...factorsOfA(inputs, dy, attributes)),
    gemm(...factorsOfB(inputs, dy, attributes)),
  ],
  vjpInto: ({ inputs, attributes }, [dy], sum, index) => {
    if (index < 2) return null;
    const factors = index === 2 ? factorsOfA : factorsOfB;
    const [left, right, options] = factors(inputs, dy, attributes);
    return affine([left, right, sum], options);
  },
  lower: ([y]) => [y],
};

/**
 * y = x (W + s B A)ᵀ, computed from the sum of the weights already: all that is
 * left to the factors A and B are their gradients. A gradient of x is that of y.
 */
export const lowRankPart = (operands: Inputs, scale: number): Value =>
  apply(LowRankPart, operands, { scale });

type Factors = [
  left: Value,
  right: Value,
  options: { transA: true; alpha: number },
];

function factorsOfA(
  [, x, , b]: Inputs,
  dy: Value,
  { scale }: Attributes,
): Factors {
  return [gemm(dy, b), x, { transA: true, alpha: scale }];
}

function factorsOfB(
  [, x, a]: Inputs,
  dy: Value,
  { scale }: Attributes,
): Factors {
  return [dy, gemm(x, a, { transB: true }), { transA: true, alpha: scale }];
}
