import { deepStrictEqual, ok } from "node:assert/strict";
import { findLoss } from "lib/losses/registry.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { randomExamples } from "../random_examples.ts";
import { SMALL } from "../models/random_decoder.ts";
import { seenStep, withTrainer } from "./random_trainer.ts";

const loss = findLoss("dpo");

const { rope } = SMALL;

/** Decoders whose layers differ in what they share with one another. */
const CONFIGS: Readonly<Record<string, DecoderConfig>> = {
  "layers alike": { ...SMALL, layers: 3 },
  "windows of their own": {
    ...{ ...SMALL, layers: 3, norm: "offset-rms" },
    perLayer: [3, null, 3].map((window) => ({ rope, window })),
  },
};

/** What is trained, and the cuts of attention. */
const WAYS = [["full", 0], ["lora", 2]] as const;

for (const [name, config] of Object.entries(CONFIGS)) {
  for (const [kind, attentionCuts] of WAYS) {
    Deno.test(`a step is the same to the bit whichever layers are computed again: ${name}, ${kind}, ${attentionCuts} cuts`, async () => {
      const examples = randomExamples(loss, 3);
      const way = { loss, kind, config, attentionCuts };
      const kept = await seenStep(way, examples);
      for (const recomputedLayers of [1, 99]) {
        const again = await seenStep({ ...way, recomputedLayers }, examples);
        deepStrictEqual(again, kept);
      }
    });
  }
}

Deno.test("layers that are computed again are nodes more, except for the last", async () => {
  const config = { ...SMALL, layers: 3 };
  const nodesOf = (recomputedLayers: number) =>
    withTrainer(
      { loss, config, recomputedLayers },
      (trainer) => Promise.resolve(trainer.nodes),
    );
  const [none, one, two, all] = [
    ...[await nodesOf(0), await nodesOf(1), await nodesOf(2), await nodesOf(3)],
  ];
  ok(none! < one! && one! < two!);
  deepStrictEqual(all, two);
});
