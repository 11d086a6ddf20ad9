import { deepStrictEqual } from "node:assert/strict";
import { type GivenExample, runLoss } from "lib/loss_tools/evaluate.ts";
import { cpo } from "lib/losses/cpo.ts";
import { simpo } from "lib/losses/simpo.ts";
import { tpo } from "lib/losses/tpo.ts";
import { assertClose } from "../assert_close.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

type Answer = readonly [logProb: number, length: number];
const list = (...answers: readonly Answer[]): GivenExample => ({
  completions: answers.map(([logProb, length]) => ({ logProb, length })),
});
/** Gold, chosen and rejected; 8 tokens are gold. */
const lists = [
  list([-9, 3], [-10, 5], [-20, 4]),
  list([-700, 5], [-700, 100], [-2, 1]),
];
const pairs = lists.map(({ completions: [, ...rest] }) => ({
  completions: rest,
}));

Deno.test("tpo contrasts the second and third, and imitates the first by λ", async () => {
  const { losses, gradients, metrics } = await runLoss(tpo, lists, {
    lossOptions: { beta: 0.5, nllWeight: 0.25 },
  });
  const z = [0.5 * 10, 0.5 * -698];
  const nll = [9 * 2 / 8, 700 * 2 / 8];
  assertClose(metrics["nll"]!, nll);
  assertClose(losses, z.map((z, i) => -logSigmoid(z) + nll[i]! / 4));
  const slopes = z.map((z) => 0.5 * sigmoid(-z));
  assertClose(gradients.flat(), slopes.flatMap((g) => [-0.25 / 4, -g, g]));
});

Deno.test("tpo without its gold part is cpo of the other two, tpo-l is simpo", async () => {
  const plain = { beta: 0.5, labelSmoothing: 0.1, nllWeight: 0 };
  for (
    const [peer, given, theirs] of [
      [cpo, {}, {}],
      [simpo, { reduction: "mean", gamma: 0.3 }, { gamma: 0.3 }],
    ] as const
  ) {
    const found = await runLoss(tpo, lists, {
      lossOptions: { ...plain, ...given },
    });
    const expected = await runLoss(peer, pairs, {
      lossOptions: { ...plain, ...theirs },
    });
    assertClose(found.losses, expected.losses);
    assertClose(
      found.gradients.flatMap(([, ...rest]) => rest),
      expected.gradients.flat(),
    );
    deepStrictEqual(found.gradients.map(([gold]) => Math.abs(gold!)), [0, 0]);
  }
});

Deno.test("tpo under the preset trl is TRL's formula", async () => {
  const { losses } = await runLoss(tpo, lists, {
    lossOptions: { ...tpo.presets!.trl!.options },
  });
  // Its NLL is over all gold tokens, and its contrast a mean over examples.
  const contrast = [0.01 * 10, 0.01 * -698].map((z) => -logSigmoid(z));
  assertClose(
    [(losses[0]! + losses[1]!) / 2],
    [(contrast[0]! + contrast[1]!) / 2 + 709 / 8],
  );
});

Deno.test("tpo starts at log 2 and the gold NLL where chosen is as likely as rejected", async () => {
  const { losses } = await runLoss(tpo, [list([-6, 3], [-5, 2], [-5, 9])]);
  assertClose(losses, [Math.LN2 + 2]);
});

Deno.test("tpo of two is cpo, and of more it reads the first and the last two", async () => {
  const lossOptions = { beta: 0.5, nllWeight: 0.25 };
  const two = await runLoss(tpo, pairs, { lossOptions });
  const expected = await runLoss(cpo, pairs, { lossOptions });
  assertClose(two.losses, expected.losses);
  assertClose(two.gradients.flat(), expected.gradients.flat());
  const more = lists.map(({ completions: [gold, ...rest] }) => ({
    completions: [gold!, { logProb: -3, length: 2 }, ...rest],
  }));
  const three = await runLoss(tpo, [lists[0]!, pairs[1]!], { lossOptions });
  const mixed = await runLoss(tpo, [more[0]!, pairs[1]!], { lossOptions });
  assertClose(mixed.losses, three.losses);
  const [[gold, between, ...rest]] = mixed.gradients as [number[]];
  assertClose([gold!, ...rest], three.gradients[0]!);
  deepStrictEqual(between, 0);
});
