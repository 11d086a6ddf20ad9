import { deepStrictEqual } from "node:assert/strict";
import { orpo } from "lib/losses/orpo.ts";
import { assertClose } from "../assert_close.ts";
import { testGolden } from "./golden.ts";
import { runLoss } from "./loss_graph.ts";

/** The weighted odds-ratio term of length-averaged log-probabilities. */
interface OddsCase {
  readonly averageChosen: readonly number[];
  readonly averageRejected: readonly number[];
  readonly losses: readonly number[];
  readonly gradAverageChosen: readonly number[];
  readonly gradAverageRejected: readonly number[];
}

/** With no example counted, a likelihood averaged over tokens is 0. */
const CONTRAST_ONLY = { nllReduction: "token" };

testGolden<OddsCase>(orpo, "orpo-odds-ratio-term", ({ beta }, numbers) => ({
  settings: { lambda: beta, ...CONTRAST_ONLY },
  batch: {
    chosen: numbers.averageChosen,
    rejected: numbers.averageRejected,
    totals: { examples: 0 },
  },
  losses: numbers.losses,
  gradients: {
    chosen: numbers.gradAverageChosen,
    rejected: numbers.gradAverageRejected,
  },
}));

const pair = {
  chosen: [-10, -700, -1e-3],
  rejected: [-20, -2, -4],
  chosenLength: [5, 100, 1],
  rejectedLength: [4, 1, 2],
};

Deno.test("orpo is its likelihood and λ times its contrast", async () => {
  const settings = { lambda: 0.25 };
  const { loss, metrics } = await runLoss(orpo, pair, { settings });
  const { nll, oddsRatio } = metrics;
  assertClose(loss, nll!.map((x, i) => x + 0.25 * oddsRatio![i]!));
});

Deno.test("orpo's contrast loses the log odds ratio when the pair is swapped", async () => {
  const odds = (a: number) => a - Math.log(-Math.expm1(a));
  const expected = [[-2, -5], [-7, -2], [-1e-3, -2]]
    .map(([w, l]) => odds(l!) - odds(w!));
  const { metrics } = await runLoss(orpo, pair);
  const swapped = await runLoss(orpo, {
    chosen: pair.rejected,
    rejected: pair.chosen,
    chosenLength: pair.rejectedLength,
    rejectedLength: pair.chosenLength,
  });
  const change = metrics["oddsRatio"]!.map((x, i) =>
    x - swapped.metrics["oddsRatio"]![i]!
  );
  assertClose(change, expected);
});

Deno.test("orpo's contrast is log 2 where both answers are certain, and pulls no further", async () => {
  const { loss, gradients } = await runLoss(
    orpo,
    { chosen: [0, -1e-9], rejected: [0, 0], totals: { examples: 0 } },
    { settings: { lambda: 1, ...CONTRAST_ONLY } },
  );
  assertClose(loss, [Math.LN2, Math.LN2]);
  deepStrictEqual(gradients["chosen"]!.map(Math.abs), [0, 0]);
});
