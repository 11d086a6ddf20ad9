import { deepStrictEqual, notDeepStrictEqual, ok } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { sampo } from "lib/losses/sampo.ts";
import { assertClose } from "../assert_close.ts";
import { type Batch, runLoss } from "./loss_graph.ts";
import { sigmoid } from "./peer_formula.ts";

Deno.test("sampo is dpo of completions of one length", async () => {
  const batch = {
    chosen: [-10, -700],
    refChosen: [-5, -2],
    chosenLength: [3, 40],
    rejected: [-6, -9],
    refRejected: [-3, -6],
    rejectedLength: [3, 40],
  };
  const found = await runLoss(sampo, batch);
  const expected = await runLoss(dpo, batch);
  const options = { tolerance: 1e-5 };
  assertClose(found.loss, expected.loss, options);
  assertClose(found.gradients.chosen, expected.gradients.chosen, options);
  assertClose(found.gradients.rejected, expected.gradients.rejected, options);
});

Deno.test("sampo sums as many tokens of the longer completion as the other has", async () => {
  // Each token has an equal share in its completion's log-ratio.
  const { loss, gradients } = await runLoss(sampo, {
    chosen: [-10, -2, -8],
    chosenLength: [5, 1, 4],
    rejected: [-6, -9, 0],
    rejectedLength: [3, 3, 0],
  }, { lossOptions: { beta: 0.5 } });
  const margins = [-10 * 3 / 5 + 6, -2 + 9 / 3, 0];
  assertClose(loss, margins.map((x) => Math.log1p(Math.exp(-x / 2))));
  const slopes = margins.map((x) => 0.5 * sigmoid(-x / 2));
  const [shareW, shareL] = [[3 / 5, 1, 0], [1, 1 / 3, 0]];
  assertClose(gradients.chosen, slopes.map((x, i) => -x * shareW[i]!));
  assertClose(gradients.rejected, slopes.map((x, i) => x * shareL[i]!));
});

const COUNT = 400;
const numbers = Array.from({ length: COUNT }, (_, i) => -1 - i);
/** Pairs of 4 tokens and of 1, whose log-ratios are 0, told apart by their ids. */
const pairs: Batch = {
  chosen: numbers,
  refChosen: numbers,
  chosenLength: 4,
  rejected: 0,
};

/** Of each pair, whether the loss sees the first token of the longer one. */
async function seesFirst(draw: number): Promise<boolean[]> {
  const { loss } = await runLoss(sampo, pairs, {
    deviation: (token) => token % 5 === 0 ? 8 : 0,
    draw,
  });
  return loss.map((x) => x < 0.5);
}

Deno.test("sampo draws tokens uniformly, anew in each step", async () => {
  const first = await seesFirst(0);
  const share = first.filter((sees) => sees).length / COUNT;
  // Five standard errors.
  ok(Math.abs(share - 1 / 4) < 5 * Math.sqrt(3 / 16 / COUNT), String(share));
  deepStrictEqual(await seesFirst(0), first);
  notDeepStrictEqual(await seesFirst(1), first);
});
