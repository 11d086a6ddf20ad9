import { deepStrictEqual } from "node:assert/strict";
import { unlikelihood } from "lib/losses/unlikelihood.ts";
import { runLoss } from "./loss_graph.ts";

Deno.test("unlikelihood pulls with the same force however far apart a pair is", async () => {
  const { loss, gradients } = await runLoss(unlikelihood, {
    chosen: [-10, -1e4, -1, 0],
    rejected: [-12, -1, -1e4, 0],
  }, { lossOptions: { alpha: 0.5 } });
  deepStrictEqual(loss, [10 - 6, 1e4 - 0.5, 1 - 5e3, 0]);
  deepStrictEqual(gradients.chosen, [-1, -1, -1, -1]);
  deepStrictEqual(gradients.rejected, [0.5, 0.5, 0.5, 0.5]);
});

Deno.test("unlikelihood falls without end as the rejected completion does", async () => {
  const { loss } = await runLoss(unlikelihood, {
    chosen: [-1, -1, -1],
    rejected: [-10, -100, -1000],
  });
  deepStrictEqual(loss, [-9, -99, -999]);
});
