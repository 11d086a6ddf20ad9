import { rejects } from "node:assert/strict";
import { BASE_WEIGHTS } from "lib/models/base_weights.ts";
import { requireBaseWeights } from "lib/run/plan.ts";

Deno.test("half precision and whole numbers are refused off the CPU, fewer bits are not", async () => {
  for (const device of ["webgpu", "cuda"] as const) {
    const others = { device, precision: "float32" } as const;
    for (const kind of ["half", "w8a16"] as const) {
      await rejects(requireBaseWeights(kind, others), {
        message: `Cannot use --base-weights ${kind} with --device ${device}: ` +
          "weights are held so on CPU only; expected float32, int8 or int4",
      });
    }
    for (const kind of ["float32", "int8", "int4"] as const) {
      await requireBaseWeights(kind, others);
    }
  }
  await requireBaseWeights("half", { device: "cpu", precision: "float32" });
});

Deno.test("products of whole numbers are refused in other formats than float32", async () => {
  const others = { device: "cpu", precision: "bfloat16" } as const;
  await rejects(requireBaseWeights("w8a16", others), {
    message: "Cannot use --base-weights w8a16 with --precision bfloat16: " +
      "it has a format of its own; expected float32, int8 or int4",
  });
  for (const kind of BASE_WEIGHTS.filter((kind) => kind !== "w8a16")) {
    await requireBaseWeights(kind, others);
  }
});
