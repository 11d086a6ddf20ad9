import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { loraPolicy, type Policy } from "lib/models/policy.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { suitsMerging } from "lib/train/merged_weights.ts";
import { stepMemory } from "lib/train/step_memory.ts";
import { Trainer } from "lib/train/trainer.ts";
import { assertClose } from "../assert_close.ts";
import { putStored } from "../models/put_stored.ts";
import { ONE_LAYER, randomDecoder, SMALL } from "../models/random_decoder.ts";
import { randomLora } from "../models/random_lora.ts";
import { UNLIKE_LLAMA } from "../models/unlike_llama.ts";
import { randomExamples } from "../random_examples.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { recorder, stepOptions, valuesOf } from "./random_trainer.ts";

// Its reference point takes forward passes of its own in each step.
const loss = findLoss("kto");
const lossOptions = resolveOptions(loss);
const examples = randomExamples(loss, 6);

/** The numbers of two steps, and of what is evaluated before and after. */
async function numbersOf(
  policy: Policy,
  mergeAdapter: boolean,
): Promise<Record<string, number[]>> {
  const options = stepOptions(loss);
  const trainer = await Trainer.create({
    ...{ policy, loss, lossOptions, optimizer: recorder, mergeAdapter },
  });
  const numbers: Record<string, number[]> = {};
  const measure = async (when: string) => {
    const { loss, logProbs } = await trainer.evaluate(examples, options);
    numbers[`loss ${when}`] = [loss];
    numbers[`log π ${when}`] = logProbs.flat();
    numbers[`forward ${when}`] = (await trainer.logProbs(examples)).flat();
  };
  await measure("before");
  for (const step of [1, 2]) {
    await trainer.moveReference(0.5);
    const reference = await trainer.reference.of(examples);
    numbers[`reference ${step}`] = examples.flatMap(reference.logProbs);
    const { loss, gradNorm } = await trainer.train(examples, options);
    numbers[`step ${step}`] = [loss, gradNorm];
    for (const [name, values] of await valuesOf(trainer, "seen")) {
      numbers[`gradient ${step} of ${name}`] = [...values];
    }
  }
  await measure("after");
  await trainer.restart(policy.initial);
  await measure("at the beginning again");
  await trainer.release();
  return numbers;
}

/** Asserts that a policy trains the same, merged or not. */
async function assertSame(policy: Policy): Promise<void> {
  const merged = await numbersOf(policy, true);
  const apart = await numbersOf(policy, false);
  deepStrictEqual(Object.keys(merged), Object.keys(apart));
  for (const [what, expected] of Object.entries(apart)) {
    assertClose(merged[what]!, expected, { what, tolerance: 1e-5 });
  }
  ok(apart["loss after"]![0] !== apart["loss before"]![0]);
}

const [inputsFirst] = UNLIKE_LLAMA
  .filter(([, { inputsFirst }]) => inputsFirst)
  .map(([, config]) => ({ ...config, layers: 1 }));

Deno.test("an adapter that is merged into its weights trains the same", async () => {
  using folder = temporaryFolder();
  const decoder = randomDecoder(inputsFirst);
  await assertSame((await randomLora(folder.path, decoder)).policy);
});

Deno.test("weights in half precision are cast up as they are merged", async () => {
  using folder = temporaryFolder();
  const { config, parameters } = randomDecoder(ONE_LAYER);
  const { lora } = await randomLora(folder.path, randomDecoder(ONE_LAYER));
  await putStored(
    `${folder.path}/model.safetensors`,
    Object.entries(parameters).map(([name, { shape, data }]) => ({
      ...{ name, shape, data: Float32Array.from(data), dtype: "F16" as const },
    })),
  );
  const weights = await openWeights(folder.path);
  await assertSame(loraPolicy(config, weights, lora));
});

Deno.test("no adapter is merged where graphs would not see it", async () => {
  using folder = temporaryFolder();
  const { policy } = await randomLora(folder.path);
  const options = { policy, loss, lossOptions, mergeAdapter: true } as const;
  await rejects(Trainer.create({ ...options, device: "webgpu" }), {
    name: "RangeError",
    message: "Cannot merge an adapter at each step on webgpu: expected the CPU",
  });
});

Deno.test("merging pays where steps have many tokens for the model's width", async () => {
  using folder = temporaryFolder();
  const { policy } = await randomLora(folder.path);
  const pair = { prompt: Array(20).fill(3), completions: [[4, 2], [5, 2]] };
  const plan = { examples: [pair], batches: [[0, 0], [0, 0, 0, 0]] };
  // 72 tokens a step, and 16 elements.
  ok(suitsMerging(policy, plan));
  ok(!suitsMerging(policy, { ...plan, batches: [[0, 0]] }));
  const wide = { ...policy, config: { ...policy.config, hiddenSize: 2048 } };
  ok(!suitsMerging(wide, { ...plan, batches: [Array(1000).fill(0)] }));
  ok(!suitsMerging(randomDecoder().policy, plan));
});

Deno.test("an estimate counts the weights that an adapter is merged into", async () => {
  using folder = temporaryFolder();
  const { policy } = await randomLora(folder.path);
  const memory = (mergeAdapter: boolean) =>
    stepMemory({ policy, loss, lossOptions, mergeAdapter }, [examples]);
  const [merged, apart] = [memory(true), memory(false)];
  const { hiddenSize: n, intermediateSize, heads, kvHeads, headDim } = SMALL;
  const linear = 2 * n * headDim * (heads + kvHeads) + 3 * n * intermediateSize;
  strictEqual(merged.merged, 4 * SMALL.layers * linear);
  strictEqual(apart.merged, 0);
  strictEqual(merged.mapped + merged.merged, apart.mapped);
  ok(merged.nodes < apart.nodes);
});
