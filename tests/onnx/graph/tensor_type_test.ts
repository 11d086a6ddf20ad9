import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { dimAt, sameShape, sizeAt } from "lib/onnx/graph/tensor_type.ts";

Deno.test("dimAt() and sizeAt() say what they miss", () => {
  const x = { dtype: "float32", shape: ["N", 2] } as const;
  deepStrictEqual([dimAt(x, -2), sizeAt(x, 1)], ["N", 2]);
  throws(() => dimAt(x, 2), { message: "[N, 2] has no axis 2" });
  throws(() => sizeAt(x, 0), {
    message: "dimension N is unknown, expected a number",
  });
});

Deno.test("shapes are the same if their dimensions are, in order", () => {
  ok(sameShape(["N", 2], ["N", 2]));
  ok(!sameShape(["N", 2], [2, "N"]));
  ok(!sameShape(["N"], ["N", 1]));
});
