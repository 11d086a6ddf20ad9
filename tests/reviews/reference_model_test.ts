import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import {
  hashWeights,
  trainReference,
} from "experiments/reviews/reference_model.ts";
import { TINY } from "./tiny_settings.ts";

/** Trains π_ref for some steps. */
async function trained(seed: number, steps = TINY.referenceModel.steps) {
  const referenceModel = { ...TINY.referenceModel, steps };
  return await trainReference({ referenceModel }, { seed, device: "cpu" });
}

Deno.test("the reference model learns, and its seed decides all of it", async () => {
  const { steps } = TINY.referenceModel;
  const { model: first, rows } = await trained(0);
  deepEqual(rows.map(({ step }) => step), [steps]);
  const { rows: [untrained] } = await trained(0, 1);
  const { rows: lines } = await trained(0, 120);
  deepEqual(lines.map(({ step }) => step), [100, 120]);
  // Before training all words are about as likely.
  const start = untrained!["loss"]!;
  ok(Math.abs(start - Math.log(64)) < 1, `starts at ${start}`);
  const end = lines.at(-1)!["loss"]!;
  ok(end < 2.8, `ends at ${end}`);
  equal(hashWeights((await trained(0)).model), hashWeights(first));
  notEqual(hashWeights((await trained(1)).model), hashWeights(first));
});
