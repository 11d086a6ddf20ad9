import { deepStrictEqual } from "node:assert/strict";
import { betaDpo } from "lib/losses/beta_dpo.ts";
import { dpo } from "lib/losses/dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

/** Margins 6 and 2: their mean is 4. */
const batch = { chosen: [-4, -8], rejected: [-10, -10] };
const rows = batch.chosen.map((logProb, i) => [
  { logProb, refLogProb: 0, length: 1 },
  { logProb: batch.rejected[i]!, refLogProb: 0, length: 1 },
]);
const OPTIONS = { beta: 0.5, alpha: 0.6, momentum: 0.9, margin: "reward" };
const { reduce, initialState, forEvaluation } = betaDpo.statistics!;
const step = (given: Partial<typeof OPTIONS>, mean = 0) => {
  const options = { ...OPTIONS, ...given };
  return reduce(rows, options as Parameters<typeof reduce>[1], { mean });
};

Deno.test("beta-dpo is dpo with β₀(1 + α(M − M₀)), and no gradient through it", async () => {
  const state = { mean: 3 };
  const found = await runLoss(betaDpo, batch, { lossOptions: OPTIONS, state });
  // M = 2 and M₀ = 0.9 · 3 + 0.1 · 2 = 2.9.
  const beta = 0.5 * (1 + 0.6 * (2 - 2.9));
  const expected = await runLoss(dpo, batch, { lossOptions: { beta } });
  assertClose(found.loss, expected.loss);
  assertClose(found.gradients.chosen, expected.gradients.chosen);
  assertClose(found.gradients.rejected, expected.gradients.rejected);
});

Deno.test("beta-dpo's M₀ is a moving average that begins at 0", () => {
  deepStrictEqual(initialState, { mean: 0 });
  const { state, metrics } = step({});
  assertClose([state!["mean"]!, metrics["margin"]!], [0.2, 2]);
  assertClose([metrics["beta"]!], [0.5 * (1 + 0.6 * 1.8)]);
  const log = step({ margin: "log-ratio" }, 1);
  assertClose([log.state!["mean"]!, log.metrics["margin"]!], [1.3, 4]);
});

Deno.test("beta-dpo does not take β below 0.001", () => {
  assertClose([step({}, 1e6).metrics["beta"]!], [1e-3]);
});

Deno.test("beta-dpo is dpo with α = 0, at π = π_ref, and in evaluations", () => {
  deepStrictEqual(step({ alpha: 0 }, 50).values, { factor: 1 });
  const even = rows.map(([first]) => [first!, first!]);
  const options = OPTIONS as Parameters<typeof reduce>[1];
  deepStrictEqual(reduce(even, options, { mean: 0 }).values, { factor: 1 });
  deepStrictEqual(forEvaluation!({ mean: 50 }).values, { factor: 1 });
});
