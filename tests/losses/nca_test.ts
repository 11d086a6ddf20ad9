import { nca } from "lib/losses/nca.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, testPreset } from "./peer_formula.ts";

testPreset(nca, "trl", ({ dc, dr }) => {
  const [good, bad] = [0.1 * dc, 0.1 * dr];
  return -logSigmoid(good) - logSigmoid(-good) / 2 - logSigmoid(-bad) / 2;
});

Deno.test("nca is log 4 at π = π_ref, where the pulls are equal", async () => {
  const logProbs = [-3, -800];
  const { loss, gradients } = await runLoss(
    nca,
    {
      chosen: logProbs,
      rejected: logProbs,
      refChosen: logProbs,
      refRejected: logProbs,
    },
    { lossOptions: { beta: 2 } },
  );
  assertClose(loss, Math.log(4));
  assertClose(gradients.chosen, -0.5);
  assertClose(gradients.rejected, 0.5);
});

Deno.test("nca is at rest where the chosen reward is log 2", async () => {
  const { gradients } = await runLoss(
    nca,
    {
      chosen: [-5, -5 + 2 * Math.LN2, -3],
      refChosen: [-5, -5, -5],
      rejected: [-1, -1, -1],
      refRejected: [-1, -1, -1],
    },
    { lossOptions: { beta: 0.5 } },
  );
  const [below, rest, above] = gradients.chosen;
  assertClose([rest!, 1], [0, 1]);
  assertClose([Math.sign(below!), Math.sign(above!)], [-1, 1]);
});

Deno.test("nca's pulls on the two completions do not depend on each other", async () => {
  const at = (rejected: number) =>
    runLoss(nca, { chosen: [-4], refChosen: -6, rejected: [rejected] });
  const [near, far] = [await at(-1), await at(-300)];
  assertClose(near.gradients.chosen, far.gradients.chosen, { tolerance: 0 });
});
