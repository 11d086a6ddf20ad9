import { calDpo } from "lib/losses/cal_dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid, testPreset } from "./peer_formula.ts";

testPreset(
  calDpo,
  "paper-repo",
  ({ dc, dr }) => -logSigmoid(dc - dr) + 0.5 * ((dc - 5) ** 2 + (dr + 5) ** 2),
);

/** Log-ratios of 3 and 1, and of −1 and −2; the targets are 2 and −2. */
const pair = {
  chosen: [-6, -10],
  refChosen: -9,
  rejected: [-4, -7],
  refRejected: -5,
};

Deno.test("cal-dpo adds squared distances of log-ratios to 1/(2β) and −1/(2β)", async () => {
  const { loss, gradients } = await runLoss(calDpo, pair, {
    lossOptions: { beta: 0.25, lambda: 3 },
  });
  assertClose(loss, [
    -logSigmoid(2) + 3 * (1 + 9),
    -logSigmoid(1) + 3 * (9 + 0),
  ]);
  assertClose(gradients.chosen, [-sigmoid(-2) + 6, -sigmoid(-1) - 18]);
  assertClose(gradients.rejected, [sigmoid(-2) + 18, sigmoid(-1)]);
});

Deno.test("cal-dpo is at rest a little beyond its targets, and pulls back from there", async () => {
  // At Δ_w = −Δ_l = a, with λ = 1: σ(−2a) = 2(a − 2).
  let [low, high] = [2, 3];
  for (let i = 0; i < 60; i++) {
    const a = (low + high) / 2;
    if (sigmoid(-2 * a) > 2 * (a - 2)) low = a;
    else high = a;
  }
  const { gradients } = await runLoss(
    calDpo,
    { chosen: [low, low + 1], rejected: [-low, -low - 1] },
    { lossOptions: { beta: 0.25 }, float: "float64" },
  );
  const further = 2 * (low - 1) - sigmoid(-2 * low - 2);
  assertClose(gradients.chosen, [0, further]);
  assertClose(gradients.rejected, [0, -further]);
});

Deno.test("cal-dpo with λ 0 is a logistic loss of the margin, whatever β", async () => {
  for (const beta of [0.01, 5]) {
    const lossOptions = { beta, lambda: 0 };
    const { loss } = await runLoss(calDpo, pair, { lossOptions });
    assertClose(loss, [-logSigmoid(2), -logSigmoid(1)]);
  }
});
