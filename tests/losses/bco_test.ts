import { deepStrictEqual } from "node:assert/strict";
import { bco } from "lib/losses/bco.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid, testPreset } from "./peer_formula.ts";

testPreset(
  bco,
  "trl",
  ({ dc, dr }) => -logSigmoid(0.1 * dc) - logSigmoid(-0.1 * dr),
);

/** log π/π_ref of 1 and −3, then of 2 and 4: their mean is 1. */
const batch = {
  chosen: [-10, -20],
  refChosen: [-11, -22],
  rejected: [-8, -6],
  refRejected: [-5, -10],
};
const scored = (ratios: readonly number[]) =>
  ratios.map((ratio) => ({ logProb: ratio - 7, refLogProb: -7, length: 1 }));

Deno.test("bco shifts both rewards by their mean, through which no gradient flows", async () => {
  const { loss, gradients } = await runLoss(bco, batch, {
    lossOptions: { beta: 0.5 },
  });
  // Rewards 0.5, −1.5, 1, 2, less 0.5.
  const logits = [[0, -2], [0.5, 1.5]] as const;
  assertClose(loss, logits.map(([w, l]) => -logSigmoid(w) - logSigmoid(-l)));
  assertClose(
    gradients.chosen,
    logits.map(([w]) => -0.5 * sigmoid(-w)),
  );
  assertClose(
    gradients.rejected,
    logits.map(([, l]) => 0.5 * sigmoid(l)),
  );
});

Deno.test("bco goes on from the mean that it initialState", async () => {
  const { loss } = await runLoss(bco, batch, {
    lossOptions: { beta: 0.5 },
    state: { mean: -2, count: 6 },
  });
  // (6 · −2 + 4 · 0.5) / 10 = −1.
  const logits = [[1.5, -0.5], [2, 3]] as const;
  assertClose(loss, logits.map(([w, l]) => -logSigmoid(w) - logSigmoid(-l)));
});

Deno.test("bco's shift is the mean of all rewards, however they came in batches", () => {
  const { reduce, initialState } = bco.statistics!;
  const lossOptions = { beta: 2, shift: "running" } as const;
  const first = reduce(
    [scored([1, 3]), scored([5, 7])],
    lossOptions,
    initialState!,
  );
  deepStrictEqual(first, {
    values: { delta: 8 },
    metrics: { delta: 8 },
    state: { mean: 8, count: 4 },
  });
  const second = reduce(
    [scored([-3, -5]), scored([-4, -4])],
    lossOptions,
    first.state!,
  );
  deepStrictEqual(second.values, { delta: 0 });
  deepStrictEqual(second.state, { mean: 0, count: 8 });
});

Deno.test("bco without its shift scores nothing beforehand and initialState nothing", () => {
  const { rows, reduce } = bco.statistics!;
  const lossOptions = { beta: 2, shift: "none" } as const;
  const examples = [{ prompt: [1], completions: [[2], [3]] }];
  deepStrictEqual(rows!(examples, lossOptions), []);
  deepStrictEqual(
    rows!(examples, { ...lossOptions, shift: "running" }),
    examples,
  );
  deepStrictEqual(reduce([], lossOptions, { mean: 5, count: 3 }), {
    values: { delta: 0 },
    metrics: {},
  });
});

Deno.test("bco is above the loss of dpo for whatever shift", async () => {
  for (const delta of [-3, 0, 0.2, 5]) {
    const { loss } = await runLoss(bco, batch, {
      lossOptions: { beta: 0.5 },
      statistics: { delta },
    });
    const dpo = [-logSigmoid(2), -logSigmoid(-1)];
    deepStrictEqual(loss.map((x, i) => x > dpo[i]!), [true, true]);
  }
});
