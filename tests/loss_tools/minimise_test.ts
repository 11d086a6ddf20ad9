import { ok, strictEqual } from "node:assert/strict";
import { minimise } from "lib/loss_tools/minimise.ts";
import { assertClose } from "../assert_close.ts";

Deno.test("minimise() finds the end of Rosenbrock's valley", async () => {
  let calls = 0;
  const found = await minimise(([x = 0, y = 0]) => {
    calls++;
    return Promise.resolve({
      value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      gradient: [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
    });
  }, [-1.2, 1]);
  strictEqual(found.end, "stationary");
  assertClose(found.point, [1, 1], { tolerance: 1e-8 });
  ok(calls < 100, `${calls} evaluations`);
});

Deno.test("minimise() solves a least-squares problem of unequal scales", async () => {
  const scales = [1, 1e2, 1e4];
  const found = await minimise((point) =>
    Promise.resolve({
      value: point.reduce((sum, x, i) => sum + scales[i]! * (x - i) ** 2, 0),
      gradient: point.map((x, i) => 2 * scales[i]! * (x - i)),
    }), [5, 5, 5]);
  strictEqual(found.end, "stationary");
  assertClose(found.point, [0, 1, 2], { tolerance: 1e-8 });
});

Deno.test("minimise() says that a point runs away", async () => {
  const { end } = await minimise(
    ([x = 0]) => Promise.resolve({ value: -x, gradient: [-1] }),
    [0],
  );
  strictEqual(end, "far");
});

Deno.test("minimise() says that it is stuck at a corner", async () => {
  const { end, point } = await minimise(
    ([x = 0]) =>
      Promise.resolve({ value: Math.abs(x), gradient: [x < 0 ? -1 : 1] }),
    [1.3],
  );
  strictEqual(end, "stuck");
  ok(Math.abs(point[0]!) < 1e-3, String(point));
});
