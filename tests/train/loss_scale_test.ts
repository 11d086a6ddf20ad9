import { deepStrictEqual, ok } from "node:assert/strict";
import { LossScale } from "lib/train/loss_scale.ts";

Deno.test("a scale halves down to 1", () => {
  const scale = new LossScale({ start: 4 });
  ok(scale.halve());
  ok(scale.halve());
  deepStrictEqual(scale.state, { scale: 1, steps: 0 });
  ok(!scale.halve());
});

Deno.test("a scale doubles after as many steps as it is told, counted anew", () => {
  const scale = new LossScale({ start: 4, every: 3 });
  const count = (steps: number) => {
    for (let i = 0; i < steps; i++) scale.count();
  };
  count(2);
  deepStrictEqual(scale.state, { scale: 4, steps: 2 });
  scale.halve();
  count(2);
  deepStrictEqual(scale.state, { scale: 2, steps: 2 });
  count(1);
  deepStrictEqual(scale.state, { scale: 4, steps: 0 });
});
