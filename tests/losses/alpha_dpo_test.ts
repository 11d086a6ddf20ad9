import { deepStrictEqual } from "node:assert/strict";
import { alphaDpo } from "lib/losses/alpha_dpo.ts";
import { simpo } from "lib/losses/simpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** Tokens of −2 against −5, −7 against −2, −6 against −6. */
const pair = {
  chosen: [-10, -14, -6],
  chosenLength: [5, 2, 1],
  refChosen: [-20, -14, -5],
  rejected: [-20, -2, -18],
  rejectedLength: [4, 1, 3],
  refRejected: [-12, -2, -6],
};
const MARGINS = [3, -5, 0];
/** −2 + 4 − (−5 + 3), 0 and −6 + 5 − (−6 + 2): mean 7/3. */
const EXCESSES = [4, 0, 3];
const SPREAD = Math.sqrt(13 / 3);
const lossOptions = { beta: 0.5, gamma: 1, alpha: 0.3 };

Deno.test("alpha-dpo's margin is γ + αβ times the standardised excess over π_ref", async () => {
  const { loss, gradients, metrics } = await runLoss(alphaDpo, pair, {
    lossOptions,
  });
  const margins = EXCESSES.map((m) => 1 + 0.5 * 0.3 * (m - 7 / 3) / SPREAD);
  assertClose(metrics["margin"]!, margins);
  const z = MARGINS.map((margin, i) => 0.5 * margin - margins[i]!);
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  // The margin is a constant.
  assertClose(
    gradients.chosen,
    z.map((z, i) => -0.5 * sigmoid(-z) / pair.chosenLength[i]!),
  );
  assertClose(
    gradients.rejected,
    z.map((z, i) => 0.5 * sigmoid(-z) / pair.rejectedLength[i]!),
  );
});

Deno.test("alpha-dpo is simpo with α 0, and at π = π_ref", async () => {
  const { loss } = await runLoss(simpo, pair, {
    lossOptions: { beta: 0.5, gamma: 1 },
  });
  const still = await runLoss(alphaDpo, pair, {
    lossOptions: { ...lossOptions, alpha: 0 },
  });
  assertClose(still.loss, loss);
  const { chosen, rejected } = pair;
  const start = await runLoss(
    alphaDpo,
    { ...pair, refChosen: chosen, refRejected: rejected },
    { lossOptions: { ...lossOptions, alpha: 5 } },
  );
  assertClose(start.loss, loss);
});

Deno.test("alpha-dpo does not see the unit of the excess", async () => {
  const { metrics } = await runLoss(alphaDpo, pair, { lossOptions });
  const scaled = (policy: readonly number[], ref: readonly number[]) =>
    policy.map((x, i) => x - 3 * (x - ref[i]!));
  const { metrics: larger } = await runLoss(
    alphaDpo,
    {
      ...pair,
      refChosen: scaled(pair.chosen, pair.refChosen),
      refRejected: scaled(pair.rejected, pair.refRejected),
    },
    { lossOptions },
  );
  assertClose(larger["margin"]!, metrics["margin"]!);
});

const { reduce, forEvaluation, initialState } = alphaDpo.statistics!;
const batch = (excesses: readonly number[]) =>
  excesses.map((m) => [
    { logProb: 2 * m - 9, refLogProb: -9, length: 2 },
    { logProb: -4, refLogProb: -4, length: 3 },
  ]);

Deno.test("alpha-dpo's moments are those of the first batch, then averages that fade by 0.9", () => {
  const first = reduce(batch([1, 3]), lossOptions, initialState!);
  assertClose(
    [first.values["center"] as number, first.values["sharpness"] as number],
    [2, Math.SQRT1_2],
  );
  const { values, state } = reduce(batch([5, 5]), lossOptions, first.state!);
  const [mean, spread] = [
    (0.9 * 2 + 5) / 1.9,
    0.9 * Math.SQRT2 / 1.9,
  ];
  assertClose(
    [values["center"] as number, values["sharpness"] as number],
    [mean, 1 / spread],
  );
  deepStrictEqual(forEvaluation!(state!), { values, metrics: {} });
});

Deno.test("alpha-dpo takes rounding for no spread", () => {
  for (const excesses of [[0], [0, 0], [1e-7, -1e-7, 3e-7]]) {
    const { values } = reduce(batch(excesses), lossOptions, initialState!);
    deepStrictEqual(values["sharpness"], 0);
  }
  deepStrictEqual(forEvaluation!(initialState!).values, {
    center: 0,
    sharpness: 0,
  });
});
