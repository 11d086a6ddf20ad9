import { deepStrictEqual } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import type { Loss } from "lib/losses/loss.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import type { Reference } from "lib/train/reference.ts";
import { assertClose } from "../assert_close.ts";
import { onEveryRank } from "../distributed/local_groups.ts";
import { randomExamples } from "../random_examples.ts";
import { type Given, type SeenStep, seenSteps } from "./random_trainer.ts";

const COUNT = 7;
/** Where each example comes from. */
type Order = readonly number[];
const IN_ORDER: Order = [...Array(COUNT).keys()];
// Neighbours stay neighbours round the circle, which KTO's pairs need.
const ROTATED: Order = [...IN_ORDER.slice(3), ...IN_ORDER.slice(0, 3)];
const SHUFFLED: Order = [4, 0, 6, 2, 1, 5, 3];

/** A budget for all rows at once, so large that the head is cut in three. */
const WHOLE = 4e6;
/** A budget for a row at a time, as it is below any, and one for a few. */
const [ONE, FEW] = [1, 40];

type Case = [
  kind: "full" | "lora",
  loss: Loss,
  given: Given,
  split: { ranks: number; microTokens: number },
];

/**
 * Every loss as it is, a row at a time on two ranks; and other ways to split,
 * with what couples or weighs the examples.
 */
const CASES: Case[] = [
  ...LOSSES.map((
    loss,
  ): Case => ["full", loss, {}, { ranks: 2, microTokens: ONE }]),
  ["lora", findLoss("sft"), { nllOver: "all" }, { ranks: 2, microTokens: FEW }],
  ["full", findLoss("dpo"), { labelSmoothing: 0.1 }, {
    ranks: 1,
    microTokens: ONE,
  }],
  ["lora", findLoss("kto"), { klPairing: "previous", undesirableWeight: 1.3 }, {
    ranks: 2,
    microTokens: FEW,
  }],
  ["full", findLoss("orpo"), { nllOver: "all", nllReduction: "token" }, {
    ranks: 1,
    microTokens: ONE,
  }],
  ["lora", findLoss("listwise-dpo"), {}, { ranks: 1, microTokens: FEW }],
];

for (const [kind, loss, given, way] of CASES) {
  const name = `${loss.id} ${JSON.stringify(given)}, ${kind}`;

  Deno.test(`neither split, ranks, order nor padding change a step: ${name}`, async () => {
    const examples = randomExamples(loss, COUNT);
    const orders = [
      IN_ORDER,
      ROTATED,
      ...loss.statistics?.rows ? [] : [SHUFFLED],
    ];
    const steps = (
      { ranks, microTokens }: { ranks: number; microTokens: number },
    ) =>
      onEveryRank(ranks, (group) =>
        seenSteps(
          { kind, loss, given, microTokens, group },
          orders.map((order) => order.map((i) => examples[i]!)),
        ));
    const [whole] = await steps({ ranks: 1, microTokens: WHOLE });
    const [split, ...others] = await steps(way);
    for (const [i, order] of orders.entries()) {
      const [what, expected] = [`order ${order}`, whole![0]!];
      if (i > 0) assertSameStep(whole![i]!, expected, { order, what });
      assertSameStep(split![i]!, expected, { order, what: `${what}, split` });
    }
    // To the last bit, or ranks would part in the course of a long run.
    for (const other of others) deepStrictEqual(other, split);
  });
}

/** Of each example what is scored, known to the reference by its end. */
const MASKED: Reference = {
  logProbs: (row) =>
    MASKED.tokenLogProbs(row).map((tokens) => tokens.reduce((a, b) => a + b)),
  tokenLogProbs: ({ completions, lossMask }) =>
    completions.map((ids, k) =>
      ids.filter((_, i) => lossMask?.[k]?.[i] ?? true)
        .map(() => -5 - Math.cos(ids.at(-1)!))
    ),
};

for (const loss of LOSSES) {
  const given: Given = loss.options["nllOver"] ? { nllOver: "completion" } : {};

  Deno.test(`tokens that are not scored are as if they were the prompt's: ${loss.id}`, async () => {
    const examples = randomExamples(loss, COUNT);
    // The same for all, as KTO has completions change prompts.
    const others = [3, 7];
    const asPrompt = examples.map((example): Example => ({
      ...example,
      prompt: [...example.prompt, ...others],
    }));
    const masked = examples.map((example): Example => ({
      ...example,
      completions: example.completions.map((ids) => [...others, ...ids]),
      lossMask: example.completions.map((ids) => [
        ...others.map(() => false),
        ...ids.map(() => true),
      ]),
    }));
    const kind = "lora";
    const way = {
      kind,
      loss,
      given,
      reference: MASKED,
      microTokens: 60,
    } as const;
    const [found, expected] = await seenSteps(way, [masked, asPrompt]);
    // The prompt's copies are tokens of their own.
    const { tokens } = found!.result;
    assertSameStep(found!, {
      ...expected!,
      result: { ...expected!.result, tokens },
    }, { order: IN_ORDER, what: "masked" });
  });
}

function assertSameStep(
  found: SeenStep,
  expected: SeenStep,
  { order, what: way }: { order: Order; what: string },
): void {
  const near = (
    list: ArrayLike<number>,
    wanted: readonly number[],
    what: string,
  ) => assertClose(list, wanted, { what: `${what}, ${way}`, tolerance: 1e-5 });
  const { logProbs, metrics, ...numbers } = expected.result;
  for (const key of ["loss", "gradNorm", "examples", "tokens"] as const) {
    near([found.result[key]], [numbers[key]], key);
  }
  deepStrictEqual(Object.keys(found.result.metrics), Object.keys(metrics));
  for (const [name, value] of Object.entries(metrics)) {
    near([found.result.metrics[name]!], [value], name);
  }
  for (const [at, i] of order.entries()) {
    near(found.result.logProbs[at]!, logProbs[i]!, `logProbs of ${i}`);
  }
  for (const [name, gradient] of expected.gradients) {
    near(found.gradients.get(name)!, [...gradient], `gradient of ${name}`);
  }
}
