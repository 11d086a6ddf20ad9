import { equal, notEqual, ok } from "node:assert/strict";
import {
  hashWeights,
  trainReference,
} from "experiments/frontier/reference_model.ts";
import { TINY } from "./tiny_settings.ts";

Deno.test("the reference model learns, and its seed decides all of it", async () => {
  const losses: number[] = [];
  const first = await trainReference(TINY.referenceModel, {
    device: "cpu",
    onStep: ({ loss }) => losses.push(loss!),
  });
  equal(losses.length, TINY.referenceModel.steps);
  // Before training all words are about as likely.
  ok(Math.abs(losses[0]! - Math.log(64)) < 1, `starts at ${losses[0]}`);
  ok(losses.at(-1)! < 2.8, `ends at ${losses.at(-1)}`);
  const again = await trainReference(TINY.referenceModel, { device: "cpu" });
  equal(hashWeights(again), hashWeights(first));
  const other = { ...TINY.referenceModel, seed: 1 };
  const different = await trainReference(other, { device: "cpu" });
  notEqual(hashWeights(different), hashWeights(first));
});
