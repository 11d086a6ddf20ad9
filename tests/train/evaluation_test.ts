import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type Example, lossLengths } from "lib/data/example.ts";
import type { Loss } from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { rowOf } from "lib/train/examples.ts";
import type { Trainer } from "lib/train/trainer.ts";
import { lossBatches } from "lib/train/evaluation.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";
import { randomExamples } from "../random_examples.ts";
import { type Given, stepOptions, withTrainer } from "./random_trainer.ts";

for (const loss of [findLoss("dpo"), findLoss("kto")]) {
  Deno.test(`evaluate() does not weigh examples by their batch: ${loss.id}`, () =>
    withTrainer({ loss }, async (trainer) => {
      const examples = randomExamples(loss, 11);
      const options = stepOptions(loss);
      const whole = await trainer.evaluate(examples, options);
      const found = await trainer.evaluate(examples, { ...options, batch: 4 });
      strictEqual(trainer.step, 0);
      const own = Object.entries(whole.metrics)
        .filter(([name]) => /^(logps|rewards)\//.test(name));
      strictEqual(own.length, loss.id === "dpo" ? 6 : 5);
      for (const [name, value] of own) {
        assertClose([found.metrics[name]!], [value], {
          tolerance: 1e-5,
          what: name,
        });
      }
      // Where examples are not coupled, the loss is the same as well.
      if (loss.id === "dpo") assertClose([found.loss], [whole.loss]);
    }));
}

Deno.test("evaluate() averages statistics over batches by their examples", () => {
  const loss = findLoss("kto");
  return withTrainer({ loss }, async (trainer) => {
    const examples = randomExamples(loss, 5);
    const options = stepOptions(loss);
    const parts = lossBatches(examples, 2, loss);
    deepStrictEqual(parts.map(({ length }) => length), [2, 3]);
    let expected = 0;
    for (const part of parts) {
      const { metrics } = await trainer.evaluate(part, options);
      expected += metrics["klRaw"]! * part.length / examples.length;
    }
    const { metrics } = await trainer.evaluate(examples, {
      ...options,
      batch: 2,
    });
    assertClose([metrics["klRaw"]!], [expected]);
  });
});

/** Labels in every order that a file may have them: mixed, sorted, of one class. */
const LABELS: Record<string, (i: number) => boolean> = {
  mixed: (i) => i % 3 > 0,
  "desirable first": (i) => i < 3,
  "undesirable first": (i) => i > 4,
  "all desirable": () => true,
  "all undesirable": () => false,
};
const WEIGHTS: Record<string, (i: number) => number> = {
  equal: () => 1,
  uneven: (i) => 0.5 + i % 4,
  "some zero": (i) => [0, 2, 0, 0, 1.5, 1][i % 6]!,
  "one alone": (i) => Number(i === 6),
};
const COUNT = 9;

/** Σ w·x / Σ w, over the examples that have x; `undefined` of none. */
function plainMean(
  examples: readonly Example[],
  value: (example: Example, i: number) => number | undefined,
): number | undefined {
  let [sum, weights] = [0, 0];
  for (const [i, example] of examples.entries()) {
    const x = value(example, i);
    if (x === undefined || example.weight === 0) continue;
    sum += (example.weight ?? 1) * x;
    weights += example.weight ?? 1;
  }
  return weights > 0 ? sum / weights : undefined;
}

/** The chosen and the rejected one of an example's values. */
const KINDS = {
  chosen: (values: readonly number[], { label }: Example) =>
    label === false ? undefined : values[0],
  rejected: (values: readonly number[], { label }: Example) =>
    values.length > 1 ? values.at(-1) : label === false ? values[0] : undefined,
};

/** Options by which no part of a loss is a mean over tokens. */
const exampleMeans = ({ options }: Loss): Given =>
  "nllReduction" in options ? { nllReduction: "example" } : {};

/**
 * Metrics of an evaluation, example by example; without the loss and its parts
 * where it couples the examples of a batch.
 */
async function plainMetrics(
  trainer: Trainer,
  examples: readonly Example[],
  alone: readonly Readonly<Record<string, number>>[],
): Promise<Record<string, number>> {
  const { loss } = trainer.options;
  const { reference, lossOptions } = stepOptions(loss, exampleMeans(loss));
  const rows = examples.map((example) => rowOf(example, loss));
  const logps = await trainer.logProbs(rows);
  const scale = loss.rewardScale?.(lossOptions) ?? 1;
  const lengths = rows.map(lossLengths);
  const rewards = reference &&
    rows.map((row, i) =>
      reference.logProbs(row).map((ref, k) => scale * (logps[i]![k]! - ref))
    );
  const means: Record<string, number | undefined> = {};
  for (const [kind, of] of Object.entries(KINDS)) {
    const lists = { logps, lengths, ...rewards && { rewards } };
    for (const [name, values] of Object.entries(lists)) {
      means[`${name}/${kind}`] = plainMean(
        examples,
        (example, i) => of(values[i]!, example),
      );
    }
  }
  const [good, bad] = [means["rewards/chosen"], means["rewards/rejected"]];
  if (good !== undefined && bad !== undefined) {
    means["rewards/margins"] = good - bad;
    if (loss.data !== "labels") {
      means["rewards/accuracies"] = plainMean(
        examples,
        (_, i) => Number(rewards![i]![0]! > rewards![i]!.at(-1)!),
      );
    }
  }
  if (!loss.statistics || loss.statistics.forEvaluation) {
    Object.assign(means, plainParts(examples, alone));
  }
  return Object.fromEntries(
    Object.entries(means).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]]
    ),
  );
}

/** The loss and metrics of each example, evaluated alone and without weight. */
async function eachAlone(
  trainer: Trainer,
  examples: readonly Example[],
): Promise<Record<string, number>[]> {
  const { loss } = trainer.options;
  if (loss.statistics && !loss.statistics.forEvaluation) return [];
  const options = stepOptions(loss, exampleMeans(loss));
  const alone: Record<string, number>[] = [];
  for (const example of examples) {
    const found = await trainer.evaluate([example], options);
    alone.push({ loss: found.loss, ...found.metrics });
  }
  return alone;
}

/** Means of the loss and its parts over examples evaluated alone. */
function plainParts(
  examples: readonly Example[],
  alone: readonly Readonly<Record<string, number>>[],
) {
  const parts = Object.keys(alone[0]!).filter((name) =>
    !/^(logps|lengths|rewards)\//.test(name)
  );
  return Object.fromEntries(
    parts.map((name) => [
      name,
      plainMean(examples, (_, i) => alone[i]![name]),
    ]),
  );
}

/** Examples of a loss, by label where it has labels. */
function labelledSets(loss: Loss): [name: string, Example[]][] {
  const examples = randomExamples(loss, COUNT);
  if (loss.data !== "labels") return [["", examples]];
  return Object.entries(LABELS).map(([name, label]) => [
    name,
    examples.map((example, i) => ({ ...example, label: label(i) })),
  ]);
}

/** The same examples under weights of every kind. */
const weightedSets = (examples: readonly Example[]) =>
  Object.entries(WEIGHTS).map(([name, weight]) =>
    [name, examples.map((each, i) => ({ ...each, weight: weight(i) }))] as const
  );

for (const loss of LOSSES) {
  const lossOptions = resolveOptions(loss, exampleMeans(loss));
  Deno.test(`an evaluation's metrics are plain means over examples, whatever batch and order: ${loss.id}`, () =>
    withTrainer({ loss, lossOptions }, async (trainer) => {
      for (const [labels, labelled] of labelledSets(loss)) {
        const alone = await eachAlone(trainer, labelled);
        for (const [weights, examples] of weightedSets(labelled)) {
          const expected = await plainMetrics(trainer, examples, alone);
          const what = `${labels} ${weights}`;
          await checkEvaluations(trainer, examples, { expected, what });
        }
      }
    }));
}

/** Evaluates examples in several batches and orders, to the metrics expected. */
async function checkEvaluations(
  trainer: Trainer,
  examples: readonly Example[],
  { expected, what }: {
    expected: Readonly<Record<string, number>>;
    what: string;
  },
): Promise<void> {
  const { loss } = trainer.options;
  ok(Object.keys(expected).length > 2);
  const orders = [
    [examples, loss.minimumBatch ?? 1],
    [examples, 4],
    [examples.toReversed(), 3],
    [examples, COUNT],
  ] as const;
  for (const [set, batch] of orders) {
    const result = await trainer.evaluate(set, {
      ...stepOptions(loss, exampleMeans(loss)),
      batch,
    });
    const found = { loss: result.loss, ...result.metrics };
    assertMetrics(found, expected, { loss, what: `${what}, batch ${batch}` });
  }
}

function assertMetrics(
  found: Readonly<Record<string, number>>,
  expected: Readonly<Record<string, number>>,
  { loss, what }: { loss: Loss; what: string },
): void {
  for (const [metric, value] of Object.entries(expected)) {
    ok(metric in found, `${what}: no ${metric}`);
    assertClose([found[metric]!], [value], {
      tolerance: 1e-4,
      what: `${what}: ${metric}`,
    });
  }
  const others = Object.entries(found).filter(([metric]) =>
    !(metric in expected)
  );
  // Nothing has a value that no example has: only what couples a batch.
  const coupled = loss.statistics && !loss.statistics.forEvaluation;
  ok(coupled || others.length === 0, `${what}: ${others}`);
  ok(Object.values(found).every(Number.isFinite), what);
  ok(!others.some(([metric]) => metric.includes("/")), `${others}`);
}

Deno.test("an evaluation weighs tokens over the whole set where the loss does", () => {
  const loss = findLoss("orpo");
  const given = { nllReduction: "token" };
  const lossOptions = resolveOptions(loss, given);
  const examples = randomExamples(loss, COUNT);
  const rows = examples.map((example) => rowOf(example, loss));
  return withTrainer({ loss, lossOptions }, async (trainer) => {
    const logProbs = await trainer.logProbs(rows);
    const total = logProbs.reduce((sum, [chosen]) => sum + chosen!, 0);
    const tokens = rows.reduce((n, row) => n + row.completions[0]!.length, 0);
    for (const batch of [1, 2, 5, COUNT]) {
      const options = { ...stepOptions(loss, given), batch };
      const { metrics } = await trainer.evaluate(examples, options);
      assertClose([metrics["nll"]!], [-total / tokens], { tolerance: 1e-5 });
    }
  });
});

Deno.test("an evaluation of examples without weight is refused", () => {
  const loss = findLoss("dpo");
  const examples = randomExamples(loss, 3).map((each) => ({
    ...each,
    weight: 0,
  }));
  return withTrainer(
    { loss },
    (trainer) =>
      rejects(trainer.evaluate(examples, stepOptions(loss)), {
        name: "RangeError",
        message:
          "Cannot average over 3 examples whose weights are all 0: expected one above 0",
      }),
  );
});
