import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  deviceSummaries,
  paritySummaries,
} from "lib/bench/devices/device_summary.ts";

Deno.test("parity is the largest difference over steps", () => {
  const cpu = {
    ...{ device: "cpu", precision: "float32", losses: [0.5, 0.25] },
    ...{ logProbs: [-10, -12], gradNorms: [1, 2] },
  };
  const card = {
    ...{ device: "cuda", precision: "bfloat16", losses: [0.5, 0.375] },
    ...{ logProbs: [-10.5, -12], gradNorms: [1, 1.5] },
  };
  deepStrictEqual(paritySummaries({ model: "tiny", runs: [cpu, card] }), [{
    ...{ precision: "bfloat16", loss: 0.5, logProb: 0.5, gradNorm: 0.25 },
    steps: 2,
  }]);
});

Deno.test("rates are of the products that a step needs, whoever computes it", () => {
  const process = { model: "tiny", tuning: "lora", batch: 4 } as const;
  const precision = "bfloat16";
  const ours = {
    ...{ ...process, precision, by: "prefgrad" as const },
    profiles: [{ name: "HH-RLHF", seconds: [1, 3], needed: 8e12 }],
  };
  const theirs = {
    ...{ ...process, precision, by: "torch" as const },
    profiles: [{ name: "HH-RLHF", seconds: [4, 4] }],
  };
  const failed = { ...ours, model: "large", profiles: undefined };
  const { profiles: _, ...failure } = failed;
  const product = { rows: 1, inputs: 1, outputs: 1 };
  const products = [
    { ...product, gflops: 1e3 },
    { ...product, precision, gflops: 16e3 },
  ];
  const [first, second, ...others] = deviceSummaries(
    { processes: [ours, theirs, { ...failure, failure: "no memory" }] },
    products,
  );
  strictEqual(others.length, 0);
  deepStrictEqual(
    [first!.pairsPerSecond, first!.teraflops, first!.share, first!.ratio],
    [2, 4, 0.25, 2],
  );
  deepStrictEqual(
    [second!.pairsPerSecond, second!.teraflops, second!.ratio],
    [1, 2, null],
  );
});
