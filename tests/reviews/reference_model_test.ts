import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import {
  hashWeights,
  trainReference,
} from "experiments/reviews/reference_model.ts";
import { mean } from "lib/train/metrics.ts";
import { TINY } from "../frontier/tiny_settings.ts";

const silent = () => ({ update: () => {}, finish: () => {} });

Deno.test("the reference model learns, and its seed decides all of it", async () => {
  const losses: number[] = [];
  const { model: first, rows } = await trainReference(TINY, {
    device: "cpu",
    watch: () => ({
      update: (_, metrics) => losses.push(metrics!["loss"]!),
      finish: () => {},
    }),
  });
  const { steps } = TINY.referenceModel;
  equal(losses.length, steps);
  // Before training all words are about as likely.
  ok(Math.abs(losses[0]! - Math.log(64)) < 1, `starts at ${losses[0]}`);
  ok(losses.at(-1)! < 2.8, `ends at ${losses.at(-1)}`);
  deepEqual(rows, [{ step: steps, loss: mean(losses) }]);
  const trained = async (seed: number) => {
    const referenceModel = { ...TINY.referenceModel, seed };
    const options = { device: "cpu", watch: silent } as const;
    return (await trainReference({ referenceModel }, options)).model;
  };
  equal(hashWeights(await trained(0)), hashWeights(first));
  notEqual(hashWeights(await trained(1)), hashWeights(first));
});
