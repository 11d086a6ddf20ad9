import { ok, strictEqual } from "node:assert/strict";
import { deviceSpeed } from "lib/bench/devices/device_speed.ts";

Deno.test("a product and a step are timed on a device", async () => {
  const { products: [product], stepSeconds } = await deviceSpeed(
    ...["cpu", ["float32"]] as const,
    {
      product: { rows: 8, inputs: 16, outputs: 16 },
      stepOf: {
        ...{ hidden: 64, layers: 1, vocabulary: 32, rank: 2 },
        ...{ length: 8, batch: 1 },
      },
    },
  );
  strictEqual(product?.precision, "float32");
  ok(product.gflops > 0 && stepSeconds > 0);
});
