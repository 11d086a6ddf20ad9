import { deepStrictEqual, ok } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import { combine } from "lib/losses/combine.ts";
import type { Loss } from "lib/losses/loss.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { modelMetrics } from "lib/train/metrics.ts";
import { randomExamples } from "../random_examples.ts";
import { stepOptions, withTrainer } from "./random_trainer.ts";

const SFT = { loss: findLoss("sft"), weight: 0.2 };
const SUMS = ["dpo", "kto", "bco-unpaired", "listwise-dpo"].map((id) =>
  combine(`${id}+0.2*sft`, [{ loss: findLoss(id), weight: 1 }, SFT])
);

const labelled = (label: boolean) => (example: Example): Example =>
  example.label === undefined ? example : { ...example, label };

/** Batches at the edge of what data may hold, made of ordinary ones. */
const EXTREMES: Record<string, (examples: Example[]) => Example[]> = {
  "one example": (examples) => examples.slice(0, 1),
  "all desirable": (examples) => examples.map(labelled(true)),
  "all undesirable": (examples) => examples.map(labelled(false)),
  "one weight": (examples) =>
    examples.map((each, i) => ({ ...each, weight: Number(i === 2) })),
  "tiny weights": (examples) =>
    examples.map((each) => ({ ...each, weight: 1e-6 })),
  "equal completions": (examples) =>
    examples.map(({ completions: [first, ...rest], ...each }) => ({
      ...each,
      completions: [first!, ...rest.map(() => first!)],
    })),
  "empty completions": (examples) =>
    examples.map((each, i) => ({
      ...each,
      completions: each.completions.map((ids) => i % 2 ? ids : []),
    })),
  "nothing scored": (examples) =>
    examples.map((each) => ({
      ...each,
      lossMask: each.completions.map((ids) => ids.map(() => false)),
    })),
  // Two of them, as attention takes the square of their lengths.
  "long completions": (examples) =>
    examples.slice(0, 2).map((each) => ({
      ...each,
      completions: each.completions.map((ids) =>
        Array.from({ length: 50 * ids.length }, (_, i) => ids[i % ids.length]!)
      ),
    })),
};

function assertFinite(
  metrics: Readonly<Record<string, number>>,
  what: string,
): void {
  for (const [name, value] of Object.entries(metrics)) {
    ok(Number.isFinite(value), `${what}: ${name} is ${value}`);
  }
}

for (const loss of [...LOSSES, ...SUMS] as Loss[]) {
  Deno.test(`extreme batches have finite metrics, and none without an example: ${loss.id}`, () =>
    withTrainer({ loss }, async (trainer, { initial }) => {
      const options = { ...stepOptions(loss), learningRate: 1e-4 };
      for (const [name, change] of Object.entries(EXTREMES)) {
        const examples = change(randomExamples(loss, 5));
        if (examples.length < (loss.minimumBatch ?? 1)) continue;
        await trainer.restart(initial);
        const evaluated = await trainer.evaluate(examples, options);
        const trained = await trainer.train(examples, options);
        for (const { loss, metrics, logProbs } of [evaluated, trained]) {
          assertFinite({ loss, ...metrics }, name);
          assertFinite(
            modelMetrics(examples, {
              logProbs,
              refLogProbs: null,
              rewardScale: 1,
            }),
            name,
          );
        }
        const kinds = Object.keys(trained.metrics).flatMap((metric) =>
          /^\w+\/(chosen|rejected)$/.exec(metric)?.[1] ?? []
        );
        deepStrictEqual([...new Set(kinds)].sort(), kindsOf(loss, examples));
      }
    }));
}

/** The kinds of completions that a loss sees in examples that have a weight. */
function kindsOf({ data }: Loss, examples: readonly Example[]): string[] {
  if (data === "completions") return ["chosen"];
  if (data !== "labels") return ["chosen", "rejected"];
  const labels = examples.filter(({ weight }) => weight !== 0)
    .map(({ label }) => label ? "chosen" : "rejected");
  return [...new Set(labels)].sort();
}
