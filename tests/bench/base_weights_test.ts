import { ok, strictEqual } from "node:assert/strict";
import { timeBaseWeights } from "lib/bench/base_weights.ts";
import { productSpeeds } from "lib/bench/machine.ts";
import { lineOf } from "lib/bench/workloads.ts";
import { putTinyModel, withFolder } from "../models/tiny_model.ts";
import { wholeNumberTest } from "../whole_numbers.ts";

wholeNumberTest(
  "steps over w8a16 are timed in turn with float32, and have an error",
  () =>
    withFolder(async (folder) => {
      await putTinyModel(folder);
      const rows = `${folder}/rows.jsonl`;
      const pairs = Array.from({ length: 3 }, (_, i) => ({
        prompt: [1, 3 + i],
        completions: [[4, 5], [6, 7, 8]],
      }));
      await Deno.writeTextFile(rows, pairs.map(lineOf).join(""));
      const { float32, held, error } = await timeBaseWeights({
        ...{ model: folder, rows, batch: 1, steps: 2, threads: 1 },
      });
      strictEqual(float32.length, 2);
      strictEqual(held.length, 2);
      ok([...float32, ...held].every((seconds) => seconds > 0));
      strictEqual(error.tokens, 3 * 5);
      ok(error.mean > 0 && error.mean <= error.largest && error.largest < 0.1);
    }),
);

wholeNumberTest(
  "products of w8a16 are timed as those of float32 are",
  async () => {
    const shape = { rows: 8, inputs: 64, outputs: 32 };
    const [speed] = await productSpeeds({
      ...{
        shapes: [shape],
        precisions: ["float32"],
        device: "cpu",
        threads: 1,
      },
      ...{ runs: 1, weights: "w8a16" },
    });
    const { gflops, ...others } = speed!;
    ok(gflops > 0);
    strictEqual(others.rows, 8);
  },
);
