import { apply, type Op, type Operand, type Value } from "../onnx/graph.ts";
import { add, max, min, mul, neg, sub } from "./elementwise.ts";
import { polynomial } from "./polynomial.ts";

const same: Op["infer"] = ([x]) => [{ dtype: x!.dtype, shape: x!.shape }];

/** z = sin x */
export const Sin: Op = {
  name: "Sin",
  infer: same,
  vjp: ({ inputs: [x] }, [dz]) => [mul(dz!, cos(x!))],
  lower: ([x]) => {
    const r = withinOneTurn(x!);
    return [sinNearZero(min(max(r, sub(-Math.PI, r)), sub(Math.PI, r)))];
  },
};
export const sin = (x: Operand): Value => apply(Sin, [x]);

/** z = cos x */
export const Cos: Op = {
  name: "Cos",
  infer: same,
  vjp: ({ inputs: [x] }, [dz]) => [neg(mul(dz!, sin(x!)))],
  lower: ([x]) => {
    const r = withinOneTurn(x!);
    return [sinNearZero(sub(Math.PI / 2, max(r, neg(r))))];
  },
};
export const cos = (x: Operand): Value => apply(Cos, [x]);

/** z = ⌊x⌋ */
const Floor: Op = { name: "Floor", infer: same };

/**
 * 2π as a sum of which the first parts have so few digits that their products
 * with a count of turns are exact: up to 2,000 turns nothing is lost.
 */
const TURN = [6.28125, 0.00193500518798828125] as const;
const REST = 2 * Math.PI - TURN[0] - TURN[1];

/** x less a whole number of turns, in [−π, π]. */
function withinOneTurn(x: Value): Value {
  const turns = apply(Floor, [add(mul(x, 1 / (2 * Math.PI)), 0.5)]);
  return [...TURN, REST].reduce((r, part) => sub(r, mul(turns, part)), x);
}

/** 1, −1/3!, 1/5!, … −1/15!: at π/2 the next term is below 10⁻¹¹. */
const SINE: number[] = [1];
for (let n = 3; n <= 15; n += 2) SINE.push(-SINE.at(-1)! / ((n - 1) * n));

/** sin x for x in [−π/2, π/2], by its Taylor series. */
function sinNearZero(x: Value): Value {
  return mul(x, polynomial(mul(x, x), SINE));
}
