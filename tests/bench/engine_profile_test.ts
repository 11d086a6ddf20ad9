import { deepStrictEqual, throws } from "node:assert/strict";
import { operatorTimes } from "lib/bench/engine_profile.ts";

const kernel = (operator: string, microseconds: number) => ({
  ...{ cat: "Node", name: `n_${operator}_kernel_time`, dur: microseconds },
  args: { "op_name": operator },
});

Deno.test("a profile's kernels are summed by operator, longest first", () => {
  const profile = JSON.stringify([
    { cat: "Session", name: "model_run", dur: 9e6 },
    kernel("Mul", 500_000),
    kernel("Gemm", 2_000_000),
    { ...kernel("Gemm", 7), name: "n_Gemm_fence_before" },
    kernel("Gemm", 1_000_000),
  ]);
  deepStrictEqual(operatorTimes(profile), [
    { operator: "Gemm", seconds: 3, runs: 2 },
    { operator: "Mul", seconds: 0.5, runs: 1 },
  ]);
});

Deno.test("a file that is no profile is refused", () => {
  throws(() => operatorTimes('{"a": 1}'), /Cannot read a profile/);
});
