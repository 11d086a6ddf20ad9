import type { Value } from "../onnx/graph.ts";
import { add, mul } from "./elementwise.ts";

/** c₀ + c₁x + c₂x² + …, of degree 1 at least, by Horner's scheme. */
export function polynomial(
  x: Value,
  coefficients: readonly number[],
): Value {
  const [first, second, ...rest] = coefficients.toReversed();
  const start = add(mul(x, first!), second!);
  return rest.reduce((sum, c) => add(mul(sum, x), c), start);
}
