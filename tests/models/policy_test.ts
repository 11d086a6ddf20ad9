import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { loraPolicy, type Policy } from "lib/models/policy.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { assertClose } from "../assert_close.ts";
import { randomExamples } from "../random_examples.ts";
import {
  recorder,
  stepOptions,
  valuesOf,
  withTrainer,
} from "../train/random_trainer.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { randomDecoder } from "./random_decoder.ts";
import { randomLora } from "./random_lora.ts";

/** The gradient of a DPO loss of random examples, by parameter. */
function gradientsOf(policy: Policy) {
  const examples = randomExamples(dpo, 5);
  return withTrainer(
    { loss: dpo, policy, optimizer: recorder },
    async (trainer) => {
      await trainer.train(examples, { ...stepOptions(dpo), maxGradNorm: 0 });
      return await valuesOf(trainer, "seen");
    },
  );
}

Deno.test("what an adapter replaces has the gradient of full tuning", async () => {
  using folder = temporaryFolder();
  const { config, policy, parameters } = randomDecoder();
  await randomLora(folder.path);
  const replaced = parameterNames(config)
    .filter(({ name }) => /embed_tokens|model\.norm|lm_head/.test(name));
  const initial = new Map(replaced.map(({ name }) => [
    name,
    Float32Array.from(hostData(parameters[name])),
  ]));
  const weights = await openWeights(folder.path);
  const lora = { rank: 1, alpha: 1, targets: [], replaced, initial };
  const found = await gradientsOf(loraPolicy(config, weights, lora));
  const expected = await gradientsOf(policy);
  deepStrictEqual(
    new Set(found.keys()),
    new Set(replaced.map(({ name }) => name)),
  );
  for (const [name, gradient] of found) {
    assertClose(gradient, [...expected.get(name)!], {
      tolerance: 1e-5,
      what: name,
    });
  }
});
