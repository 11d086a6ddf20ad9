import { deepStrictEqual, ok } from "node:assert/strict";
import { calDpo } from "lib/losses/cal_dpo.ts";
import { dpo } from "lib/losses/dpo.ts";
import { gateCalDpo } from "lib/losses/gate_cal_dpo.ts";
import { gateDpo } from "lib/losses/gate_dpo.ts";
import { gateIpo } from "lib/losses/gate_ipo.ts";
import { ipo } from "lib/losses/ipo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { sigmoid } from "./peer_formula.ts";

/** Rejected tokens have the geometric means e^−1, e^−3 and e^−0.5. */
const batch = {
  chosen: [-10, -2, -8],
  refChosen: [-5, -4, -8],
  rejected: [-3, -9, -1],
  refRejected: [-3, -6, -4],
  rejectedLength: [3, 3, 2],
};
const gate = { gateSlope: 20, gateThreshold: 0.2 };
const gates = [-1, -3, -0.5].map((x) => sigmoid(20 * (Math.exp(x) - 0.2)));

const GATED = [[gateDpo, dpo], [gateIpo, ipo], [gateCalDpo, calDpo]] as const;
for (const [gated, plain] of GATED) {
  Deno.test(`${gated.id} is ${plain.id}, with the gradient at y_l times the gate`, async () => {
    const lossOptions = { beta: 0.5 };
    const found = await runLoss(gated, batch, {
      lossOptions: { ...lossOptions, ...gate },
    });
    const expected = await runLoss(plain, batch, { lossOptions });
    deepStrictEqual(found.loss, expected.loss);
    deepStrictEqual(found.gradients.chosen, expected.gradients.chosen);
    assertClose(found.metrics["gate"]!, gates);
    assertClose(
      found.gradients.rejected,
      expected.gradients.rejected.map((slope, i) => slope * gates[i]!),
    );
  });
}

Deno.test("gate-dpo averages over tokens: the gate does not see length alone", async () => {
  const { metrics } = await runLoss(gateDpo, {
    chosen: [-5, -5, -5],
    rejected: [-2, -20, 0],
    rejectedLength: [4, 40, 0],
  });
  const [short, long, empty] = metrics["gate"]!;
  assertClose([short!], [long!]);
  assertClose([empty!], [sigmoid(50 * 0.9)]);
});

Deno.test("gate-dpo leaves rejected completions alone once they are in the valley", async () => {
  const { gradients } = await runLoss(gateDpo, {
    chosen: [-3, -3],
    refChosen: -3,
    rejected: [-1, -900],
    refRejected: [-1, -900],
  });
  const [likely, unlikely] = gradients.rejected;
  assertClose([likely!], [0.05], { tolerance: 1e-5 });
  ok(unlikely! > 0 && unlikely! < 0.01 * likely!, String(unlikely));
});
