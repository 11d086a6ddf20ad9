import { ok, strictEqual, throws } from "node:assert/strict";
import {
  attainableReward,
  knownOptimum,
  optimumOf,
  storedExact,
} from "experiments/reviews/exact_numbers.ts";
import { attainableAt } from "experiments/reviews/law.ts";

Deno.test("between its points the attainable reward follows the root of the KL", () => {
  const point = (kl: number, reward: number) => ({ beta: 1, kl, reward });
  const attainable = [point(0.04, 0.2), point(1, 1), point(4, 1.5)];
  const at = (kl: number) => attainableReward({ attainable }, kl);
  strictEqual(at(0), 0);
  strictEqual(at(0.01), 0.1);
  strictEqual(at(1), 1);
  strictEqual(at(2.25), 1.25);
  strictEqual(at(50), 1.5);
});

Deno.test("it errs by less than two thousandths between the points of the exact curve", () => {
  const betas = Array.from({ length: 60 }, (_, i) => 100 * 0.86 ** i);
  const attainable = betas.map((beta) => ({ beta, ...attainableAt(beta) }));
  for (const beta of betas.slice(0, -1).map((beta) => 0.93 * beta)) {
    const { kl, reward } = attainableAt(beta);
    ok(Math.abs(attainableReward({ attainable }, kl) - reward) < 2e-3);
  }
});

Deno.test("an optimum is that of the method and the flips, or null", () => {
  const found = { loss: "dpo", options: { beta: 1 }, flip: 0.1 };
  const optima = [
    { ...found, kind: "attained" as const, reward: 1, kl: 2 },
    { ...found, loss: "orpo", kind: "none" as const, why: "not computed" },
    {
      ...{ ...found, loss: "kto", flip: 0, kind: "limit" as const },
      ...{ reward: 2, kl: 3 },
    },
  ];
  strictEqual(optimumOf({ optima }, found, 0.1)?.reward, 1);
  strictEqual(optimumOf({ optima }, found), null);
  strictEqual(optimumOf({ optima }, { ...found, loss: "orpo" }, 0.1), null);
  strictEqual(knownOptimum({ optima }, { ...found, loss: "kto" }).kl, 3);
  throws(
    () => knownOptimum({ optima }, { ...found, loss: "orpo" }),
    /The optimum of orpo β 1 is not known/,
  );
  throws(() => storedExact(null), /the record "exact" is missing/);
});
