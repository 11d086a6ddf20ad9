import type { Attributes, Value } from "../onnx/graph.ts";
import { mul, sub, tanh } from "./elementwise.ts";

/** What stands for x, and how a cotangent of it becomes one of x. */
export interface Capped {
  readonly value: Value;
  /** d value / dx; `null` where value is x. */
  readonly slope: Value | null;
  readonly through: (dValue: Value) => Value;
}

/** c tanh(x/c), between −c and c, or x itself. https://arxiv.org/abs/2408.00118 */
export function capped(x: Value, cap: number | null): Capped {
  if (cap === null) return { value: x, slope: null, through: (d) => d };
  const t = tanh(mul(x, 1 / cap));
  const slope = sub(1, mul(t, t));
  return { value: mul(t, cap), slope, through: (d) => mul(d, slope) };
}

/** An operator's attribute `cap`, `null` where it has none. */
export function capOf({ cap }: Attributes): number | null {
  return typeof cap === "object" && "float" in cap ? cap.float : null;
}
