import { sft } from "lib/losses/sft.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

const batch = { chosen: [-10, -6, -1], chosenLength: [5, 2, 1] };

Deno.test("sft by default is the mean over the batch's completion tokens", async () => {
  const { loss, gradients } = await runLoss(sft, batch);
  const mean = loss.reduce((a, b) => a + b) / 3;
  assertClose([mean], [17 / 8]);
  // Every token weighs 1 / 8 in the mean, whatever the length of its example.
  assertClose(gradients["chosen"]!, -3 / 8);
});

Deno.test("sft of an example does not depend on the micro-batch it is in", async () => {
  const { loss } = await runLoss(sft, batch);
  const alone = await runLoss(sft, {
    chosen: [-6],
    chosenLength: [2],
    totals: { examples: 3, completionTokens: 8 },
  });
  assertClose(alone.loss, [loss[1]!], { tolerance: 0 });
});
