import { deepStrictEqual, notDeepStrictEqual, ok } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import type { Loss } from "lib/losses/loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";
import { randomExamples } from "../random_examples.ts";
import {
  type Given,
  type SeenStep,
  seenStep,
  seenSteps,
  stepOptions,
  withTrainer,
} from "./random_trainer.ts";

/** One step of a loss in some way. */
const step = (
  loss: Loss,
  examples: readonly Example[],
  way: Omit<Parameters<typeof seenStep>[0], "loss"> = {},
) => seenStep({ loss, ...way }, examples);

const COUNT = 7;
const WEIGHTS = [2, 0, 1, 3, 1, 0, 2];

function weighted(loss: Loss, weights: readonly number[]): Example[] {
  return randomExamples(loss, COUNT).map((example, i) => ({
    ...example,
    weight: weights[i]!,
  }));
}

/** Compares all but how many examples and tokens there were. */
function assertSame(found: SeenStep, expected: SeenStep, what: string): void {
  const near = (
    list: ArrayLike<number>,
    wanted: readonly number[],
    name: string,
  ) => assertClose(list, wanted, { what: `${name}, ${what}`, tolerance: 1e-5 });
  const { loss, gradNorm, metrics } = expected.result;
  near([found.result.loss], [loss], "loss");
  near([found.result.gradNorm], [gradNorm], "gradNorm");
  deepStrictEqual(Object.keys(found.result.metrics), Object.keys(metrics));
  for (const [name, value] of Object.entries(metrics)) {
    near([found.result.metrics[name]!], [value], name);
  }
  for (const [name, gradient] of expected.gradients) {
    near(found.gradients.get(name)!, [...gradient], `gradient of ${name}`);
  }
}

/** One of each kind, and what couples examples by numbers and by lists. */
const LOSSES = ["sft", "dpo", "kto", "listwise-dpo", "aot-unpaired", "wpo"]
  .map(findLoss);

for (const loss of LOSSES) {
  Deno.test(`equal weights are as none, bit for bit: ${loss.id}`, async () => {
    const [none, ...equal] = await seenSteps({ loss }, [
      randomExamples(loss, COUNT),
      ...[1, 4].map((weight) => weighted(loss, new Array(COUNT).fill(weight))),
    ]);
    for (const found of equal) deepStrictEqual(found, none);
  });

  Deno.test(`neither split nor threads change a weighted step: ${loss.id}`, async () => {
    const weights = [0.3, 1, 0, 2.5, 1, 0.7, 0.1];
    const examples = weighted(loss, weights);
    const [whole, plain] = await seenSteps({ loss }, [
      examples,
      randomExamples(loss, COUNT),
    ]);
    notDeepStrictEqual(whole!.gradients, plain!.gradients);
    for (const way of [{ microTokens: 1, threads: 2 }, { microTokens: 40 }]) {
      assertSame(await step(loss, examples, way), whole!, JSON.stringify(way));
    }
  });
}

type Case = [loss: Loss, given: Given];

/** What couples the examples of a batch does not look at their weights. */
const UNCOUPLED: Case[] = [
  ...["dpo", "simpo", "apo-zero-unpaired", "listwise-dpo"]
    .map((id): Case => [findLoss(id), {}]),
  [findLoss("sft"), {}],
  [findLoss("sft"), { nllOver: "all" }],
  [findLoss("orpo"), { nllOver: "all", nllReduction: "token" }],
];

for (const [loss, given] of UNCOUPLED) {
  Deno.test(`a weight of n is n times the example, one of 0 none: ${loss.id} ${JSON.stringify(given)}`, async () => {
    const examples = randomExamples(loss, COUNT);
    const repeated = examples.flatMap((example, i) =>
      new Array<Example>(WEIGHTS[i]!).fill(example)
    );
    const [found, expected] = await seenSteps({ loss, given }, [
      weighted(loss, WEIGHTS),
      repeated,
    ]);
    assertSame(found!, expected!, "weighted for repeated");
  });
}

Deno.test("pairs weighed by votes, both ways round, are label smoothing", async () => {
  const dpo = findLoss("dpo");
  const pairs = randomExamples(dpo, COUNT);
  const both = pairs.flatMap((pair): Example[] => [
    { ...pair, weight: 0.8 },
    { ...pair, completions: pair.completions.toReversed(), weight: 0.2 },
  ]);
  const soft = await step(dpo, both);
  const smooth = await step(dpo, pairs, { given: { labelSmoothing: 0.2 } });
  assertClose([soft.result.loss], [smooth.result.loss], { tolerance: 1e-6 });
  for (const [name, gradient] of smooth.gradients) {
    assertClose(soft.gradients.get(name)!, [...gradient], {
      what: `gradient of ${name}`,
      tolerance: 1e-5,
    });
  }
});

Deno.test("KTO's reference point is of the policy, whatever its examples weigh", async () => {
  const kto = findLoss("kto");
  const plain = await step(kto, randomExamples(kto, COUNT));
  const { result } = await step(kto, weighted(kto, WEIGHTS));
  deepStrictEqual(result.metrics["klRaw"], plain.result.metrics["klRaw"]);
  ok(result.loss !== plain.result.loss);
});

Deno.test("an evaluation weighs examples, whatever its batches", () => {
  const dpo = findLoss("dpo");
  const examples = weighted(dpo, [2, 0, 1, 3, 1, 4, 2]);
  const repeated = randomExamples(dpo, COUNT).flatMap((example, i) =>
    new Array<Example>(examples[i]!.weight!).fill(example)
  );
  return withTrainer({ loss: dpo }, async (trainer) => {
    const run = async (examples: readonly Example[], batch: number) => {
      const options = { ...stepOptions(dpo), batch };
      const { loss, metrics } = await trainer.evaluate(examples, options);
      return { loss, ...metrics };
    };
    const expected = await run(repeated, repeated.length);
    for (const batch of [2, 3, COUNT]) {
      const found = await run(examples, batch);
      deepStrictEqual(Object.keys(found), Object.keys(expected));
      assertClose(Object.values(found), Object.values(expected), {
        tolerance: 1e-6,
      });
    }
  });
});
