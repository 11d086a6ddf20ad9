import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { ALONE, type Group } from "lib/distributed/group.ts";
import type { Loss } from "lib/losses/loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import { Stopped } from "lib/train/stop.ts";
import type { StepResult, Trainer } from "lib/train/trainer.ts";
import { assertClose } from "../assert_close.ts";
import { onEveryRank } from "../distributed/local_groups.ts";
import { randomExamples } from "../random_examples.ts";
import {
  parametersOf,
  stepOptions,
  type Values,
  withTrainer,
} from "./random_trainer.ts";

/** Examples of a batch; ranks have fewer than that, or none. */
const COUNT = 7;
const STEPS = 20;

/** Everything that a trajectory shows. */
interface Trajectory {
  readonly results: readonly StepResult[];
  readonly parameters: Values;
}

type Way = Pick<
  Parameters<typeof withTrainer>[0],
  "loss" | "kind" | "microTokens"
>;

function trajectory(way: Way, group: Group): Promise<Trajectory> {
  const { loss } = way;
  const examples = randomExamples(loss, 2 * COUNT)
    .map((example, i) => ({ ...example, weight: 1 + (i % 3) / 4 }));
  const options = { ...stepOptions(loss), learningRate: 1e-3 };
  return withTrainer({ ...way, group }, async (trainer) => {
    const results: StepResult[] = [];
    for (let step = 0; step < STEPS; step++) {
      const start = step % 2 * COUNT;
      const batch = examples.slice(start, start + COUNT);
      results.push(await trainer.train(batch, options));
    }
    return { results, parameters: await parametersOf(trainer) };
  });
}

function assertSame(found: Trajectory, alone: Trajectory): void {
  for (const [i, expected] of alone.results.entries()) {
    const { metrics, logProbs, ...numbers } = found.results[i]!;
    const at = `step ${i + 1}`;
    deepStrictEqual(Object.keys(metrics), Object.keys(expected.metrics), at);
    near(Object.values(metrics), Object.values(expected.metrics), at);
    near(logProbs.flat(), expected.logProbs.flat(), at);
    near([numbers.loss], [expected.loss], at);
    near([numbers.gradNorm], [expected.gradNorm], at);
    strictEqual(numbers.tokens, expected.tokens);
    strictEqual(numbers.examples, expected.examples);
  }
  for (const [name, values] of alone.parameters) {
    near(found.parameters.get(name)!, [...values], name);
  }
}

const near = (
  list: ArrayLike<number>,
  wanted: readonly number[],
  what: string,
) => assertClose(list, wanted, { what, tolerance: 5e-5 });

for (const id of ["dpo", "kto", "orpo", "bco-unpaired", "aot"]) {
  for (const [kind, size] of [["full", 4], ["lora", 2]] as const) {
    Deno.test(`${size} ranks go the way of one: ${id}, ${kind}`, async () => {
      const way = { loss: findLoss(id), kind, microTokens: 80 };
      const alone = await trajectory(way, ALONE);
      const ranks = await onEveryRank(size, (group) => trajectory(way, group));
      assertSame(ranks[0]!, alone);
      for (const other of ranks.slice(1)) deepStrictEqual(other, ranks[0]);
    });
  }
}

/** Runs a part on the trainers of three ranks. */
function onThree<T>(
  loss: Loss,
  part: (trainer: Trainer, group: Group) => Promise<T>,
): Promise<T[]> {
  return onEveryRank(3, (group) =>
    withTrainer(
      { loss, group, microTokens: 30 },
      (trainer) => part(trainer, group),
    ));
}

Deno.test("ranks that take turns compute the log-probabilities of one, bit for bit", async () => {
  const loss = findLoss("dpo");
  const examples = randomExamples(loss, COUNT);
  const parts = (trainer: Trainer) => {
    const found: unknown[] = [];
    const onPart = (part: unknown) => found.push(part);
    return trainer.referenceLogProbs(examples, { onPart })
      .then((all) => ({ all, parts: found.flat() }));
  };
  const alone = await withTrainer({ loss, microTokens: 30 }, parts);
  deepStrictEqual(alone.parts, alone.all);
  deepStrictEqual(await onThree(loss, parts), Array(3).fill(alone));
});

Deno.test("ranks share the batches of an evaluation", async () => {
  const loss = findLoss("kto");
  const examples = randomExamples(loss, 2 * COUNT);
  const evaluated = async (trainer: Trainer) => {
    const options = { ...stepOptions(loss), batch: COUNT };
    const { metrics, logProbs, ...rest } = await trainer
      .evaluate(examples, options);
    return [...Object.values({ ...metrics, ...rest }), ...logProbs.flat()];
  };
  const alone = await withTrainer({ loss }, evaluated);
  const [first, ...others] = await onThree(loss, evaluated);
  near(first!, alone, "metrics");
  for (const other of others) deepStrictEqual(other, first);
});

Deno.test("a stop on one rank ends the step of all, without a trace", async () => {
  const loss = findLoss("kto");
  const examples = randomExamples(loss, COUNT);
  await onThree(loss, async (trainer, { rank }) => {
    const before = await parametersOf(trainer);
    const stop = { requested: rank === 1 };
    const options = { ...stepOptions(loss), stop };
    await rejects(trainer.train(examples, options), Stopped);
    await rejects(trainer.referenceLogProbs(examples, { stop }), Stopped);
    deepStrictEqual(await parametersOf(trainer), before);
    strictEqual(trainer.step, 0);
  });
});
