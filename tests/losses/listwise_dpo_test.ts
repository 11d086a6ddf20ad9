import { deepStrictEqual } from "node:assert/strict";
import { type GivenExample, runLoss } from "lib/loss_tools/evaluate.ts";
import { dpo } from "lib/losses/dpo.ts";
import { listwiseDpo } from "lib/losses/listwise_dpo.ts";
import { assertClose } from "../assert_close.ts";
import { sigmoid } from "./peer_formula.ts";

/** A list with these log-ratios, best first. */
const list = (...ratios: readonly number[]): GivenExample => ({
  completions: ratios.map((ratio, i) => ({
    logProb: ratio - 5 - i,
    refLogProb: -5 - i,
  })),
});
const lossOptions = { beta: 0.5 };

Deno.test("listwise-dpo is the negative log-probability of the ranking", async () => {
  const { losses, gradients } = await runLoss(listwiseDpo, [list(1, -3, 2)], {
    lossOptions,
  });
  const [a, b, c] = [0.5, -1.5, 1].map(Math.exp) as [number, number, number];
  assertClose(losses, [-Math.log(a / (a + b + c) * b / (b + c))]);
  // Each completion's share of being chosen, less what was chosen.
  assertClose(gradients[0]!, [
    0.5 * (a / (a + b + c) - 1),
    0.5 * (b / (a + b + c) + b / (b + c) - 1),
    0.5 * (c / (a + b + c) + c / (b + c)),
  ]);
});

Deno.test("listwise-dpo of two completions is dpo", async () => {
  const pairs = [list(1, -3), list(-40, 700), list(2, 2)];
  const found = await runLoss(listwiseDpo, pairs, { lossOptions });
  const expected = await runLoss(dpo, pairs, { lossOptions });
  assertClose(found.losses, expected.losses);
  assertClose(found.gradients.flat(), expected.gradients.flat());
});

Deno.test("listwise-dpo of a list does not see the longer ones beside it", async () => {
  const lists = [list(1, -3), list(0, 5, -1, 2, 400), list(-2, 0, 7)];
  const together = await runLoss(listwiseDpo, lists, { lossOptions });
  for (const [i, alone] of lists.entries()) {
    const { losses, gradients } = await runLoss(listwiseDpo, [alone], {
      lossOptions,
    });
    assertClose([together.losses[i]!], losses);
    assertClose(together.gradients[i]!, gradients[0]!);
  }
});

Deno.test("listwise-dpo is log K! at π = π_ref: every ranking is as likely", async () => {
  const lists = [list(0, 0), list(0, 0, 0, 0)];
  const { losses } = await runLoss(listwiseDpo, lists);
  assertClose(losses, [Math.log(2), Math.log(24)]);
});

Deno.test("listwise-dpo does not see what all rewards of a list share", async () => {
  const run = (shift: number) =>
    runLoss(listwiseDpo, [list(1 + shift, -3 + shift, 2 + shift)], {
      lossOptions,
    });
  deepStrictEqual(await run(0), await run(64));
});

Deno.test("listwise-dpo lets go of a ranking that is far on the right side, to every digit", async () => {
  const { losses, gradients } = await runLoss(listwiseDpo, [list(40, 0, -40)], {
    lossOptions,
  });
  assertClose(losses, [2 * Math.log1p(Math.exp(-20))]);
  assertClose([gradients[0]![0]!], [-0.5 * sigmoid(-20)]);
});
