import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, testPreset } from "./peer_formula.ts";

for (const peer of ["trl", "llama-factory", "paper-repo"] as const) {
  testPreset(dpo, peer, ({ dc, dr }) => -logSigmoid(0.1 * (dc - dr)));
}

const equal = [-1e3, -20, -0.5];
for (const beta of [1e-3, 0.1, 1, 50]) {
  for (const labelSmoothing of [0, 0.3]) {
    Deno.test(`dpo is log 2 at π = π_ref under β ${beta} and ε ${labelSmoothing}`, async () => {
      const { loss, gradients } = await runLoss(
        dpo,
        {
          chosen: equal,
          rejected: [-3, -40, -700],
          refChosen: equal,
          refRejected: [-3, -40, -700],
        },
        { lossOptions: { beta, labelSmoothing } },
      );
      assertClose(loss, Math.LN2);
      const slope = beta * (0.5 - labelSmoothing);
      assertClose(gradients.chosen, -slope);
      assertClose(gradients.rejected, slope);
    });
  }
}

const pair = {
  chosen: [-10, -700, -3],
  rejected: [-13, -2, -4],
  refChosen: [-11, -300, -3],
  refRejected: [-12, -1, -5],
};
const swapped = {
  chosen: pair.rejected,
  rejected: pair.chosen,
  refChosen: pair.refRejected,
  refRejected: pair.refChosen,
};

Deno.test("dpo of a pair and of the pair swapped differ by −β times the margin", async () => {
  const lossOptions = { beta: 0.5 };
  const { loss } = await runLoss(dpo, pair, { lossOptions });
  const other = await runLoss(dpo, swapped, { lossOptions });
  assertClose(loss.map((x, i) => x - other.loss[i]!), [-1, 199.5, 0.5]);
});

Deno.test("dpo with smoothing mixes the losses of both orders", async () => {
  const { loss } = await runLoss(dpo, pair);
  const other = await runLoss(dpo, swapped);
  const smooth = await runLoss(dpo, pair, {
    lossOptions: { labelSmoothing: 0.2 },
  });
  assertClose(
    smooth.loss,
    loss.map((x, i) => 0.8 * x + 0.2 * other.loss[i]!),
  );
});

Deno.test("dpo reference-free reads no reference", async () => {
  const lossOptions = { referenceFree: true };
  const { chosen, rejected } = pair;
  deepStrictEqual(
    await runLoss(dpo, pair, { lossOptions }),
    await runLoss(dpo, { chosen, rejected }),
  );
});
