import { deepStrictEqual } from "node:assert/strict";
import { type GivenExample, runLoss } from "lib/loss_tools/evaluate.ts";
import { dpo } from "lib/losses/dpo.ts";
import { odpo } from "lib/losses/odpo.ts";
import { assertClose } from "../assert_close.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** A pair with these log-ratios and ratings. */
const pair = (
  ratios: readonly [number, number],
  ratings?: readonly [number, number],
): GivenExample => ({
  completions: ratios.map((ratio, k) => ({
    logProb: ratio - 5 - k,
    refLogProb: -5 - k,
    ...ratings && { rating: ratings[k]! },
  })),
});

for (
  const [offset, f] of [["log", Math.log], ["identity", Number]] as const
) {
  Deno.test(`odpo takes α times ${offset} of the ratings' difference from the margin`, async () => {
    const lossOptions = { beta: 0.5, alpha: 0.7, offset };
    const pairs = [pair([3, 1], [9, 2]), pair([-1, 4], [0.5, 0.25])];
    const { losses, gradients, metrics } = await runLoss(odpo, pairs, {
      lossOptions,
    });
    const offsets = [0.7 * f(7), 0.7 * f(0.25)];
    const z = [1 - offsets[0]!, -2.5 - offsets[1]!];
    assertClose(metrics["offset"]!, offsets);
    assertClose(losses, z.map((z) => -logSigmoid(z)));
    const slopes = z.map((z) => 0.5 * sigmoid(-z));
    assertClose(gradients.flat(), slopes.flatMap((g) => [-g, g]));
  });
}

Deno.test("odpo is dpo without an offset, and where ratings differ by 1", async () => {
  const pairs = [pair([3, 1], [4, 3]), pair([-1, 400], [-2, -3])];
  const expected = await runLoss(dpo, pairs);
  const far = [pair([3, 1], [40, 3]), pair([-1, 400], [-2, -30])];
  for (
    const [examples, lossOptions] of [
      [pairs, { alpha: 1 }],
      [far, { alpha: 0 }],
    ] as const
  ) {
    const { losses, gradients } = await runLoss(odpo, examples, {
      lossOptions,
    });
    assertClose(losses, expected.losses);
    assertClose(gradients.flat(), expected.gradients.flat());
  }
});

Deno.test("odpo does not see what both ratings share", async () => {
  const run = (shift: number) =>
    runLoss(odpo, [pair([2, 1], [8 + shift, 4 + shift])]);
  deepStrictEqual(await run(0), await run(1024));
});

Deno.test("odpo learns nothing from equal ratings, and much from ratings far apart", async () => {
  const { losses, gradients } = await runLoss(odpo, [
    pair([1, 2], [5, 5]),
    pair([1, 2], [1e9, 0]),
  ]);
  assertClose(losses, [0, 0.1 + Math.log(1e9)]);
  assertClose([gradients[0]![1]!, gradients[1]![1]!], [0, 0.1]);
});

Deno.test("odpo starts at −log σ(−α log of the difference)", async () => {
  const { losses } = await runLoss(odpo, [pair([0, 0], [4, 1])]);
  assertClose(losses, [Math.log(4)]);
});
