import { apoZeroUnpaired } from "lib/losses/apo_zero_unpaired.ts";
import { kto } from "lib/losses/kto.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { sigmoid } from "./peer_formula.ts";

const batch = {
  chosen: [-3.1, -0.7, -900, -5],
  refChosen: [-2.5, -1.3, -12, -16],
  desirable: [1, 0, 1, 0],
};
/** log π/π_ref of each. */
const ratios = [-0.6, 0.6, -888, 11];

Deno.test("apo-zero-unpaired under the preset trl is TRL's formula", async () => {
  const { loss } = await runLoss(apoZeroUnpaired, batch, {
    lossOptions: { ...apoZeroUnpaired.presets!.trl!.options },
  });
  assertClose(
    loss,
    ratios.map((ratio, i) => {
      const value = sigmoid(0.1 * ratio);
      return batch.desirable[i] ? 1 - value : value;
    }),
  );
});

Deno.test("apo-zero-unpaired is kto with a reference point of 0", async () => {
  const lossOptions = {
    beta: 0.4,
    desirableWeight: 1.3,
    undesirableWeight: 0.7,
  };
  const { loss, gradients } = await runLoss(apoZeroUnpaired, batch, {
    lossOptions,
  });
  const expected = await runLoss(kto, batch, {
    lossOptions,
    statistics: { referencePoint: 0 },
  });
  assertClose(loss, expected.loss);
  assertClose(gradients.chosen, expected.gradients.chosen);
});

Deno.test("apo-zero-unpaired is half the weight at π = π_ref, where it pulls most", async () => {
  const chosen = [-20, -20];
  const { loss, gradients } = await runLoss(
    apoZeroUnpaired,
    { chosen, refChosen: chosen, desirable: [1, 0] },
    { lossOptions: { beta: 2, desirableWeight: 1.5, undesirableWeight: 0.5 } },
  );
  assertClose(loss, [0.75, 0.25]);
  assertClose(gradients.chosen, [-1.5 * 2 / 4, 0.5 * 2 / 4]);
});
