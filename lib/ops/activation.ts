import { apply, type Op, type Value } from "../onnx/graph.ts";
import { add, mul, sigmoid, sub } from "./elementwise.ts";

/**
 * y = gate · σ(gate) · up, https://arxiv.org/abs/2002.05202.
 *
 * One operator so that only `gate` and `up` are kept for the backward pass,
 * which computes σ(gate) again.
 */
export const SwiGlu: Op = {
  name: "SwiGlu",
  domain: "prefgrad",
  infer: ([gate]) => [gate!],
  vjp: ({ inputs: [gate, up] }, [dy]) => {
    const s = sigmoid(gate!);
    const silu = mul(gate!, s);
    const slope = add(s, mul(silu, sub(1, s)));
    return [mul(mul(dy!, up!), slope), mul(dy!, silu)];
  },
  lower: ([gate, up]) => [mul(mul(gate!, sigmoid(gate!)), up!)],
};
export const swiGlu = (gate: Value, up: Value): Value =>
  apply(SwiGlu, [gate, up]);
