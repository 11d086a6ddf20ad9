import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { fDpo } from "lib/losses/f_dpo.ts";
import type { LossOptionValue } from "lib/losses/options.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, testPreset } from "./peer_formula.ts";

testPreset(fDpo, "trl", ({ dc, dr }) => -logSigmoid(0.1 * (dc - dr)));

/** TRL's scores of a log-ratio since 1.16, each with its constant. */
const TRL_SCORES: Record<string, (d: number) => number> = {
  "forward-kl": (d) => 1 - Math.exp(-d),
  "js": (d) => Math.LN2 + logSigmoid(d),
  "alpha": (d) => (Math.exp(-0.3 * d) - 1) / -0.3,
};

for (const [divergence, scoreOf] of Object.entries(TRL_SCORES)) {
  Deno.test(`f-dpo under ${divergence} is TRL's, whose constants cancel`, async () => {
    const [chosen, rejected] = [[-3, -7, -2.5], [-4, -6.5, -2]];
    const { loss } = await runLoss(
      fDpo,
      { chosen, rejected, refChosen: -4, refRejected: -5 },
      { lossOptions: { beta: 0.1, divergence, alpha: 0.3 } },
    );
    assertClose(
      loss,
      chosen.map((c, i) =>
        -logSigmoid(0.1 * (scoreOf(c + 4) - scoreOf(rejected[i]! + 5)))
      ),
    );
  });
}

/** f′(4) − f′(1/2) by hand. */
const SCORES: [Record<string, LossOptionValue>, number][] = [
  [{ divergence: "reverse-kl" }, Math.log(8)],
  [{ divergence: "forward-kl" }, -1 / 4 + 2],
  [{ divergence: "js" }, Math.log(8 / 5) - Math.log(2 / 3)],
  [{ divergence: "alpha" }, 2 * (Math.SQRT2 - 1 / 2)],
  [{ divergence: "alpha", alpha: 2 }, (4 - 1 / 16) / 2],
  [{ divergence: "alpha", alpha: -1 }, 4 - 1 / 2],
];

for (const [given, expected] of SCORES) {
  const name = `f-dpo under ${JSON.stringify(given)}`;

  Deno.test(`${name} compares f′ of the ratios`, async () => {
    const { loss } = await runLoss(
      fDpo,
      { chosen: [Math.log(4) - 9], refChosen: -9, rejected: [-Math.LN2] },
      { lossOptions: { beta: 0.5, ...given } },
    );
    assertClose(loss, Math.log1p(Math.exp(-expected / 2)));
  });

  Deno.test(`${name} is log 2 at π = π_ref with the slope of f′ at 1`, async () => {
    const { loss, gradients } = await runLoss(
      fDpo,
      { chosen: [-4], refChosen: -4, rejected: [-90], refRejected: -90 },
      { lossOptions: { beta: 0.5, ...given } },
    );
    assertClose(loss, Math.LN2);
    const slope = given["divergence"] === "js" ? 1 / 2 : 1;
    assertClose(gradients.chosen, -slope / 4);
    assertClose(gradients.rejected, slope / 4);
  });
}

const batch = {
  chosen: [-10, -6, -30],
  refChosen: -9,
  rejected: [-12, -4, -29],
  refRejected: [-11, -7, -30],
};
const at = (lossOptions: Record<string, LossOptionValue>) =>
  runLoss(fDpo, batch, { lossOptions });

Deno.test("f-dpo under the reverse KL divergence is DPO", async () => {
  deepStrictEqual(
    await at({ divergence: "reverse-kl" }),
    await runLoss(dpo, batch),
  );
});

Deno.test("f-dpo under the α-divergence is between the two KL divergences", async () => {
  const forward = await at({ divergence: "forward-kl" });
  assertClose((await at({ divergence: "alpha", alpha: 1 })).loss, forward.loss);
  const near0 = await at({ divergence: "alpha", alpha: 1e-3 });
  const reverse = await at({ divergence: "reverse-kl" });
  assertClose(near0.loss, reverse.loss, { tolerance: 0.02 });
});

Deno.test("f-dpo pulls no more where a power is beyond e⁸⁰", async () => {
  const { gradients } = await runLoss(
    fDpo,
    { chosen: [-81, -79], rejected: [0, 0] },
    { lossOptions: { beta: 1, divergence: "forward-kl" } },
  );
  assertClose(gradients.chosen, [0, -Math.exp(79)], { tolerance: 1e-5 });
});
