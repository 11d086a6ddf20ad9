import { throws } from "node:assert/strict";
import { refuseHalf } from "lib/run/plan.ts";

Deno.test("half precision is refused off the CPU, fewer bits are not", () => {
  for (const device of ["webgpu", "cuda"] as const) {
    throws(() => refuseHalf("half", device), {
      message: `Cannot use --base-weights half with --device ${device}: ` +
        "weights are held so on CPU only; expected float32, int8 or int4",
    });
    for (const kind of ["float32", "int8", "int4"] as const) {
      refuseHalf(kind, device);
    }
  }
  refuseHalf("half", "cpu");
});
