import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { optimizerBatches } from "lib/data/sampler.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { computeReference, type Reference } from "lib/train/reference.ts";
import {
  assertWeighted,
  rowsToReference,
  type StepMetrics,
  train,
  type TrainingPlan,
} from "lib/train/loop.ts";
import type { Trainer } from "lib/train/trainer.ts";
import { randomExamples, UNLIKELY } from "../random_examples.ts";
import { parametersOf, withTrainer } from "./random_trainer.ts";

const DPO = findLoss("dpo");
const KTO = findLoss("kto");

function planFor(loss = DPO, given: Partial<TrainingPlan> = {}): TrainingPlan {
  const examples = randomExamples(loss, 10);
  const order = Array.from({ length: 20 }, (_, i) => i % 10);
  return {
    examples,
    batches: optimizerBatches(order, { size: 4 }),
    evalExamples: [],
    evalEvery: 0,
    evalBatch: 4,
    lossOptions: resolveOptions(loss),
    learningRate: 1e-2,
    schedule: "linear",
    warmup: 2,
    weightDecay: 0,
    maxGradNorm: 1,
    ...given,
  };
}

async function referenceFor(
  plan: TrainingPlan,
  trainer: Trainer,
): Promise<Reference> {
  const rows = rowsToReference(plan, trainer.options.loss);
  return await computeReference(rows, (rows) => trainer.logProbs(rows));
}

Deno.test("train() takes every step of a plan and tells of each", () =>
  withTrainer({ loss: DPO }, async (trainer) => {
    const plan = planFor();
    const lines: StepMetrics[] = [];
    const reference = await referenceFor(plan, trainer);
    const onStep = (line: StepMetrics) => void lines.push(line);
    strictEqual(await train(trainer, plan, { reference, onStep }), true);
    const column = (name: string) => lines.map((line) => line[name]!);
    deepStrictEqual(column("step"), [1, 2, 3, 4, 5]);
    deepStrictEqual(column("epoch"), [0.4, 0.8, 1.2, 1.6, 2]);
    deepStrictEqual(column("examples"), [4, 4, 4, 4, 4]);
    const rates = [0, 0.5, 1, 2 / 3, 1 / 3].map((x) => (x * 1e-2).toFixed(8));
    deepStrictEqual(column("learningRate").map((x) => x.toFixed(8)), rates);
    strictEqual(lines[0]!["rewards/margins"], 0);
    for (const name of ["loss", "gradNorm", "tokens", "seconds"]) {
      ok(column(name).every((x) => x > 0), name);
    }
  }));

Deno.test("train() stops after the step when asked, and goes on from there", () =>
  withTrainer({ loss: DPO }, async (trainer, { initial }) => {
    const plan = planFor();
    const reference = await referenceFor(plan, trainer);
    await train(trainer, plan, { reference });
    const expected = await parametersOf(trainer);
    await trainer.restart(initial);
    const stop = { requested: false };
    const onStep = ({ step }: StepMetrics) => {
      stop.requested = step === 2;
    };
    const hooks = { reference, stop, onStep };
    strictEqual(await train(trainer, plan, hooks), false);
    strictEqual(trainer.step, 2);
    stop.requested = false;
    strictEqual(await train(trainer, plan, hooks), true);
    deepStrictEqual(await parametersOf(trainer), expected);
  }));

Deno.test("a step that a stop breaks off leaves no trace, wherever it is", () =>
  withTrainer({ loss: DPO, microTokens: 8 }, async (trainer, { initial }) => {
    const plan = planFor();
    const reference = await referenceFor(plan, trainer);
    await train(trainer, plan, { reference });
    const expected = await parametersOf(trainer);
    for (const looks of [0, 1, 2, 5, 9, 14]) {
      await trainer.restart(initial);
      let left = looks;
      const stop = {
        get requested() {
          return left-- <= 0;
        },
      };
      strictEqual(await train(trainer, plan, { reference, stop }), false);
      ok(trainer.step < plan.batches.length);
      strictEqual(await train(trainer, plan, { reference }), true);
      deepStrictEqual(await parametersOf(trainer), expected);
    }
  }));

for (const [evalEvery, steps] of [[0, [5]], [2, [2, 4, 5]]] as const) {
  Deno.test(`train() evaluates every ${evalEvery} steps, and last`, () =>
    withTrainer({ loss: KTO }, async (trainer) => {
      const evalExamples = randomExamples(KTO, 9);
      const plan = planFor(KTO, { evalExamples, evalEvery });
      const evaluated: number[] = [];
      const measured: number[] = [];
      await train(trainer, plan, {
        reference: await referenceFor(plan, trainer),
        measure: () => {
          measured.push(trainer.step);
          return Promise.resolve({ extra: 0.5 });
        },
        onStep: ({ step, ...metrics }) => {
          strictEqual("extra" in metrics, "eval/loss" in metrics);
          if (!("eval/loss" in metrics)) return;
          evaluated.push(step);
          ok("eval/klRaw" in metrics);
        },
      });
      deepStrictEqual(evaluated, steps);
      deepStrictEqual(measured, steps);
    }));
}

Deno.test("train() measures what it is asked to, evaluation data or not", () =>
  withTrainer({ loss: DPO }, async (trainer) => {
    const plan = planFor(DPO, { evalEvery: 3 });
    const measured: number[] = [];
    await train(trainer, plan, {
      reference: await referenceFor(plan, trainer),
      measure: () => Promise.resolve({ extra: 0.5 }),
      onStep: ({ step, ...metrics }) => {
        if (metrics["extra"] === 0.5) measured.push(step);
        ok(!("eval/loss" in metrics));
      },
    });
    deepStrictEqual(measured, [3, 5]);
  }));

Deno.test("train() refuses a policy that does not start at its reference", () =>
  withTrainer({ loss: DPO }, async (trainer) => {
    await rejects(train(trainer, planFor(), { reference: UNLIKELY }), {
      name: "RangeError",
      message: /does not start at its reference: completion 0 of example 0/,
    });
  }));

Deno.test("rowsToReference() lists what a run reads, and nothing for a loss without reference", () => {
  const evalExamples = randomExamples(KTO, 3);
  const plan = planFor(KTO, { evalExamples });
  // Examples, and a mismatched pair for each example of each batch.
  strictEqual(rowsToReference(plan, KTO).length, 10 + 3 + 20 + 3);
  const pairs = planFor();
  strictEqual(rowsToReference(pairs, DPO).length, 10);
  const lossOptions = resolveOptions(DPO, { referenceFree: true });
  deepStrictEqual(rowsToReference({ ...pairs, lossOptions }, DPO), []);
});

Deno.test("assertWeighted() finds the step and the evaluation without any weight", () => {
  const weigh = (weights: readonly number[]) =>
    randomExamples(DPO, weights.length).map((example, i) => ({
      ...example,
      weight: weights[i]!,
    }));
  const batches = [[0, 1], [2, 3], [4]];
  const plan = (weights: readonly number[], evaluated: readonly number[]) =>
    planFor(DPO, {
      batches,
      examples: weigh(weights),
      evalExamples: weigh(evaluated),
    });
  assertWeighted(plan([0, 1, 2, 0, 1], []));
  assertWeighted(plan([0, 1, 2, 0, 1], [0, 0, 1]));
  throws(() => assertWeighted(plan([0, 1, 0, 0, 1], [])), {
    name: "RangeError",
    message:
      "Cannot take step 2: its batch has 2 examples, all of weight 0; expected one above 0, as larger batches may have",
  });
  throws(
    () => assertWeighted(plan([0, 1, 2, 0, 1], [0, 0])),
    /average over 2 examples whose weights are all 0/,
  );
});
