import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { examplesFor } from "lib/data/examples_for_loss.ts";
import { optimizerBatches } from "lib/data/sampler.ts";
import type { Precision } from "lib/onnx/providers.ts";
import {
  changeMetrics,
  ChangeMonitor,
  diagnose,
} from "lib/train/diagnostics.ts";
import type { Loss } from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { computeReference } from "lib/train/reference.ts";
import {
  rowsToReference,
  type StepMetrics,
  train,
  type TrainingPlan,
} from "lib/train/loop.ts";
import type { Trainer } from "lib/train/trainer.ts";
import { assertClose } from "../assert_close.ts";
import { randomExamples, UNLIKELY } from "../random_examples.ts";
import { withTrainer } from "./random_trainer.ts";

function planFor(loss: Loss, given: Partial<TrainingPlan> = {}): TrainingPlan {
  const order = Array.from({ length: 12 }, (_, i) => i % 6);
  return {
    examples: randomExamples(loss, 12),
    batches: optimizerBatches(order, { size: 3 }),
    evalExamples: [],
    evalEvery: 2,
    evalBatch: 4,
    lossOptions: resolveOptions(loss),
    learningRate: 1e-2,
    schedule: "constant",
    warmup: 0,
    weightDecay: 0,
    maxGradNorm: 1,
    ...given,
  };
}

/** The lines of a run, or of what is left of it. */
async function linesOf(
  trainer: Trainer,
  plan: TrainingPlan,
  { monitor, last = Infinity }: { monitor: ChangeMonitor; last?: number },
): Promise<StepMetrics[]> {
  const rows = rowsToReference(plan, trainer.options.loss);
  const { policy } = trainer.options;
  const parameters = Object.fromEntries(
    policy.trained.map(({ name, shape }) => [
      name,
      { data: policy.initial.get(name)!, shape },
    ]),
  );
  const reference = rows.length === 0 ? null : await computeReference(
    rows,
    (rows) => trainer.forward.logProbs(rows, { parameters }),
  );
  const lines: StepMetrics[] = [];
  const stop = { requested: false };
  await train(trainer, plan, {
    reference,
    stop,
    measure: () => monitor.metrics(),
    onStep: ({ seconds: _seconds, ...line }) => {
      lines.push(line);
      stop.requested = line.step === last;
    },
  });
  return lines;
}

const isProbed = (line: StepMetrics) => "kl/start" in line;

for (const id of ["sft", "dpo", "simpo", "kto", "listwise-dpo"]) {
  const loss = findLoss(id);
  Deno.test(`a monitor tells how far every completion has come: ${id}`, () =>
    withTrainer({ loss }, async (trainer) => {
      const plan = planFor(loss, { evalExamples: randomExamples(loss, 7) });
      const { evalExamples } = plan;
      const before = await trainer.logProbs(evalExamples);
      const monitor = await ChangeMonitor.create(trainer, plan, null);
      const lines = await linesOf(trainer, plan, { monitor });
      const after = await trainer.logProbs(evalExamples);
      const sums = { good: 0, bad: 0, goods: 0, bads: 0, all: 0, count: 0 };
      for (const [i, { completions, label }] of evalExamples.entries()) {
        for (const k of completions.keys()) {
          const change = after[i]![k]! - before[i]![k]!;
          sums.all += change;
          sums.count++;
          const isGood = k === 0 && label !== false;
          const isBad = label === false ||
            (k > 0 && k === completions.length - 1);
          if (isGood) sums.good += change, sums.goods++;
          if (isBad) sums.bad += change, sums.bads++;
        }
      }
      const [good, bad] = [sums.good / sums.goods, sums.bad / sums.bads];
      const last = lines.at(-1)!;
      ok(Math.abs(good) > 1e-3);
      assertClose(
        ["chosen", "rejected", "margin"].map((name) => last[`change/${name}`]!),
        [good, bad, good - bad],
        { tolerance: 1e-6 },
      );
      assertClose([last["kl/start"]!], [-sums.all / sums.count], {
        tolerance: 1e-6,
      });
      deepStrictEqual(lines.filter(isProbed).map(({ step }) => step), [2, 4]);
      const found = await monitor.diagnostics();
      strictEqual(found.on, "evaluation");
      strictEqual(found.examples, 7);
      strictEqual(found.chosenChange, last["change/chosen"]);
      strictEqual(found.marginChange, last["change/margin"]);
      strictEqual(found.klStart, last["kl/start"]);
      strictEqual(found.lengthCorrelation === null, loss.data === "labels");
    }));
}

Deno.test("a run with a reference has moved from it by its rewards", () => {
  const loss = findLoss("dpo");
  return withTrainer({ loss }, async (trainer) => {
    const plan = planFor(loss, { evalExamples: randomExamples(loss, 7) });
    const monitor = await ChangeMonitor.create(trainer, plan, null);
    const last = (await linesOf(trainer, plan, { monitor })).at(-1)!;
    const rewards = (name: string) => 10 * last[`eval/rewards/${name}`]!;
    assertClose(
      ["chosen", "rejected", "margin", "accuracies"].map((name) =>
        last[`change/${name}`]!
      ),
      [
        rewards("chosen"),
        rewards("rejected"),
        rewards("margins"),
        rewards("accuracies") / 10,
      ],
      { tolerance: 1e-5 },
    );
  });
});

Deno.test("a reference tells a monitor its start, without a forward pass", () => {
  const loss = findLoss("dpo");
  return withTrainer({ loss }, async (trainer) => {
    const plan = planFor(loss);
    const monitor = await ChangeMonitor.create(trainer, plan, UNLIKELY);
    const [first] = plan.examples;
    const [now] = await trainer.logProbs([first!]);
    const { klStart, examples } = await monitor.diagnostics();
    ok(klStart < 0 && examples > 1);
    const one = { ...plan, examples: [first!], batches: [[0]] };
    const alone = await ChangeMonitor.create(trainer, one, UNLIKELY);
    assertClose(
      [(await alone.metrics())["change/chosen"]!],
      [now![0]! - UNLIKELY.logProbs(first!)[0]!],
    );
  });
});

Deno.test("a run that goes on from a snapshot is measured from the start", () => {
  const loss = findLoss("orpo");
  return withTrainer({ loss, kind: "lora" }, async (trainer, { initial }) => {
    const plan = planFor(loss);
    const whole = await ChangeMonitor.create(trainer, plan, null);
    const expected = await linesOf(trainer, plan, { monitor: whole });
    const summary = await whole.diagnostics();
    await trainer.restart(initial);
    const first = await ChangeMonitor.create(trainer, plan, null);
    const begun = await linesOf(trainer, plan, { monitor: first, last: 3 });
    const snapshot = await trainer.save();
    await trainer.restart(initial);
    await trainer.restore(snapshot);
    const second = await ChangeMonitor.create(trainer, plan, null);
    const rest = await linesOf(trainer, plan, { monitor: second });
    deepStrictEqual([...begun, ...rest], expected);
    deepStrictEqual(await second.diagnostics(), summary);
    // Of a run that was over: nothing is left to measure on the way.
    const third = await ChangeMonitor.create(trainer, plan, null);
    deepStrictEqual(await third.diagnostics(), summary);
  });
});

Deno.test("without evaluation data the first examples of training are the monitor, each once", () => {
  const loss = findLoss("simpo");
  return withTrainer({ loss }, async (trainer) => {
    const few = await ChangeMonitor.create(trainer, planFor(loss), null);
    // Of twelve examples the plan takes six, twice.
    const { on, examples } = await few.diagnostics();
    deepStrictEqual({ on, examples }, { on: "training", examples: 6 });
    const many = planFor(loss, {
      examples: randomExamples(loss, 40),
      batches: [Array.from({ length: 40 }, (_, i) => 39 - i)],
    });
    const monitor = await ChangeMonitor.create(trainer, many, null);
    const found = await monitor.diagnostics();
    strictEqual(found.examples, 16);
    const first = many.examples.slice(24).map(({ completions }) =>
      completions[0]!.length
    );
    const mean = first.reduce((a, b) => a + b) / 16;
    assertClose([found.lengths.chosen!], [mean], { tolerance: 1e-12 });
    deepStrictEqual(
      [found.chosenChange, found.klStart, found.lengthCorrelation],
      [0, 0, null],
    );
  });
});

Deno.test("a monitor follows both completions of a pair that were given one by one", () => {
  const [loss, pairs] = [findLoss("kto"), randomExamples(findLoss("dpo"), 16)];
  const examples = examplesFor({ kind: "pairs", examples: pairs }, "labels");
  return withTrainer({ loss }, async (trainer) => {
    // Desirable ones first: among the first 16 examples there is no pair.
    const desirable = Array.from({ length: 16 }, (_, i) => 2 * i);
    const batches = [desirable, desirable.map((i) => i + 1)];
    const plan = planFor(loss, { examples, batches });
    const monitor = await ChangeMonitor.create(trainer, plan, null);
    const last = (await linesOf(trainer, plan, { monitor })).at(-1)!;
    const pairwise = await ChangeMonitor.create(
      trainer,
      { ...plan, examples: pairs, batches: [[...pairs.keys()].slice(0, 8)] },
      null,
    );
    const expected = await pairwise.metrics();
    strictEqual((await monitor.diagnostics()).examples, 16);
    strictEqual(last["change/accuracies"], expected["change/accuracies"]);
    assertClose([last["change/margin"]!], [expected["change/margin"]!]);
    ok(!("rewards/accuracies" in last));
  });
});

Deno.test("an evaluation of labels made of pairs has the accuracy of the pairs", () => {
  const [loss, pairs] = [findLoss("kto"), randomExamples(findLoss("dpo"), 9)];
  const evalExamples = examplesFor(
    { kind: "pairs", examples: pairs },
    "labels",
  );
  return withTrainer({ loss }, async (trainer) => {
    const plan = planFor(loss, { evalExamples });
    const before = await trainer.logProbs(pairs);
    const monitor = await ChangeMonitor.create(trainer, plan, null);
    const last = (await linesOf(trainer, plan, { monitor })).at(-1)!;
    const after = await trainer.logProbs(pairs);
    const gained = (i: number, k: number) => after[i]![k]! - before[i]![k]!;
    const accuracy = pairs.filter((_, i) =>
      gained(i, 0) > gained(i, 1)
    ).length /
      pairs.length;
    strictEqual(last["eval/rewards/accuracies"], accuracy);
    strictEqual(last["change/accuracies"], accuracy);
    const { lengthCorrelation } = await monitor.diagnostics();
    ok(lengthCorrelation !== null);
  });
});

/** Pairs with completions of 2 and 1, 3 and 3, 1 and 4 tokens. */
const PAIRS = [[2, 1], [3, 3], [1, 4]].map((lengths) => ({
  prompt: [1],
  completions: lengths.map((length) => new Array(length).fill(5)),
}));

Deno.test("diagnose() gives means, and correlates the margin with length", () => {
  const { lengthCorrelation, ...found } = diagnose(PAIRS, [
    [3, 1],
    [-1, -1],
    [1, 6],
  ]);
  deepStrictEqual(found, {
    examples: 3,
    chosenChange: 1,
    rejectedChange: 2,
    marginChange: -1,
    klStart: -1.5,
    displaced: false,
    lengths: { chosen: 2, rejected: 8 / 3 },
  });
  // Margins 2, 0, −5; lengths 1, 0, −3.
  const expected = (2 + 15 - 3 * 2 / 3) /
    Math.sqrt((29 - 3) * (10 - 3 * 4 / 9));
  assertClose([lengthCorrelation!], [expected], { tolerance: 1e-12 });
});

Deno.test("diagnose() correlates no margins that are within rounding", () => {
  const of = (scale: number) =>
    diagnose(
      PAIRS,
      [[2, 0], [0, 0], [0, 5]].map((list) => list.map((x) => scale * x)),
    ).lengthCorrelation;
  strictEqual(of(1e-5), null);
  assertClose([of(1e-3)!], [of(1)!], { tolerance: 1e-12 });
});

Deno.test("diagnose() tells no change within the rounding of 16 bits", () => {
  const changes = PAIRS.map(() => [-0.1, -0.5]);
  const displaced = (precision: Precision) =>
    diagnose(PAIRS, changes, precision).displaced;
  strictEqual(displaced("float32"), true);
  strictEqual(displaced("float16"), true);
  strictEqual(displaced("bfloat16"), false);
});

Deno.test("displaced is a margin that grows while the chosen fall, and no other", () => {
  const all = (chosen: number, rejected: number) =>
    diagnose(PAIRS, PAIRS.map(() => [chosen, rejected])).displaced;
  strictEqual(all(-1, -3), true);
  strictEqual(all(1, -3), false);
  strictEqual(all(-3, -1), false);
  strictEqual(all(0, 0), false);
  // Rounding moves completions of 2 and 8/3 tokens by up to 3e-4 and 3.7e-4.
  strictEqual(all(-4e-4, -12e-4), true);
  strictEqual(all(-2e-4, -12e-4), false);
  strictEqual(all(-4e-4, -10e-4), false);
  strictEqual(all(-1e-6, -1e-5), false);
  const labels = [true, false].map((label) => ({
    prompt: [1],
    completions: [[5]],
    label,
  }));
  strictEqual(diagnose(labels, [[-1], [-2]]).displaced, true);
  strictEqual(diagnose(labels, [[1], [-2]]).displaced, false);
});

Deno.test("what no example tells is null, and no metric", () => {
  const desirable = [{ prompt: [1], completions: [[5, 6]], label: true }];
  deepStrictEqual(changeMetrics(desirable, [[-2]]), {
    "change/chosen": -2,
    "kl/start": 2,
  });
  deepStrictEqual(diagnose(desirable, [[-2]]), {
    examples: 1,
    chosenChange: -2,
    rejectedChange: null,
    marginChange: null,
    klStart: 2,
    displaced: false,
    lengths: { chosen: 2, rejected: null },
    lengthCorrelation: null,
  });
});
