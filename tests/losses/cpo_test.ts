import { cpo } from "lib/losses/cpo.ts";
import { dpo } from "lib/losses/dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, testPreset } from "./peer_formula.ts";

testPreset(
  cpo,
  "trl",
  ({ lc, lr, tokenNll }) => -logSigmoid(0.1 * (lc - lr)) + tokenNll,
);

/** Sums of 10, −698 and 12 nats; tokens of 3, −5 and 0. */
const pair = {
  chosen: [-10, -700, -6],
  rejected: [-20, -2, -18],
  chosenLength: [5, 100, 1],
  rejectedLength: [4, 1, 3],
};
const CONTRASTS: Record<string, number[]> = {
  sigmoid: [5, -349, 6].map((z) => -logSigmoid(z)),
  hinge: [0, 350, 0],
  ipo: [(3 - 1) ** 2, (-5 - 1) ** 2, (0 - 1) ** 2],
};

for (const [form, expected] of Object.entries(CONTRASTS)) {
  Deno.test(`cpo of the form ${form} has the contrast of that name`, async () => {
    const { loss } = await runLoss(cpo, pair, {
      lossOptions: { beta: 0.5, form, nllWeight: 0 },
    });
    assertClose(loss, expected);
  });
}

Deno.test("cpo is its contrast and λ times the NLL over the batch's tokens", async () => {
  const { loss, metrics, gradients } = await runLoss(cpo, pair, {
    lossOptions: { beta: 0.5, nllWeight: 0.25 },
  });
  const nll = [10, 700, 6].map((x) => x * 3 / 106);
  assertClose(metrics["contrast"]!, CONTRASTS["sigmoid"]!);
  assertClose(metrics["nll"]!, nll);
  assertClose(loss, nll.map((x, i) => CONTRASTS["sigmoid"]![i]! + x / 4));
  // Far on the wrong side, the contrast pulls with all of β.
  assertClose([gradients.chosen[1]!], [-0.5 - 0.25 * 3 / 106]);
});

Deno.test("cpo without its NLL is dpo without its reference", async () => {
  const lossOptions = { beta: 0.3, labelSmoothing: 0.1 };
  const { loss, gradients } = await runLoss(cpo, pair, {
    lossOptions: { ...lossOptions, nllWeight: 0 },
  });
  const expected = await runLoss(dpo, pair, { lossOptions });
  assertClose(loss, expected.loss);
  assertClose(gradients.chosen, expected.gradients.chosen);
  assertClose(gradients.rejected, expected.gradients.rejected);
});
