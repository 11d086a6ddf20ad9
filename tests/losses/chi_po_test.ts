import { chiPo } from "lib/losses/chi_po.ts";
import { dpo } from "lib/losses/dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid } from "./peer_formula.ts";

/** Values at log-ratios of chosen and rejected answers. */
const at = (
  logUs: readonly (readonly [number, number])[],
  lossOptions: Record<string, number>,
) =>
  runLoss(
    chiPo,
    {
      chosen: logUs.map(([w]) => w - 50),
      refChosen: -50,
      rejected: logUs.map(([, l]) => l - 20),
      refRejected: -20,
    },
    { lossOptions },
  );

Deno.test("chi-po compares u + log u", async () => {
  const [two, three] = [Math.LN2, Math.log(3)];
  const { loss, gradients } = await at([[two, -two], [-three, three]], {
    beta: 0.5,
  });
  const z = [0.5 * (1.5 + 2 * two), 0.5 * (-8 / 3 - 2 * three)];
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  // The slope of u + log u by log u is u + 1.
  const slopes = z.map((z) => 0.5 * sigmoid(-z));
  assertClose(gradients.chosen, [-3 * slopes[0]!, -4 / 3 * slopes[1]!]);
  assertClose(gradients.rejected, [1.5 * slopes[0]!, 4 * slopes[1]!]);
});

Deno.test("chi-po starts at log 2 and pulls twice as hard as dpo", async () => {
  const batch = {
    chosen: [-9],
    refChosen: -9,
    rejected: [-3],
    refRejected: -3,
  };
  const { loss, gradients } = await runLoss(chiPo, batch);
  const plain = await runLoss(dpo, batch);
  assertClose(loss, Math.LN2);
  assertClose(gradients.chosen, 2 * plain.gradients.chosen[0]!);
  assertClose(gradients.rejected, 2 * plain.gradients.rejected[0]!);
});

Deno.test("chi-po has no gradient beyond ±2R", async () => {
  const { loss, gradients } = await at([[0, -3], [-3, 0], [4, -4], [-1e4, 9]], {
    beta: 1,
    rewardBound: 3,
  });
  const inside = 4 - Math.exp(-3);
  const z = [inside, -inside, 6, -6];
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  const slopes = [inside, -inside].map((z) => sigmoid(-z));
  assertClose(gradients.chosen, [
    -2 * slopes[0]!,
    -(1 + Math.exp(-3)) * slopes[1]!,
    0,
    0,
  ]);
  assertClose(gradients.rejected.slice(2), 0);
});

Deno.test("chi-po is dpo of answers that π has all but given up", async () => {
  const logUs = [[-12, -15], [-30, -12]] as const;
  const { loss } = await at(logUs, { beta: 0.5 });
  assertClose(
    loss,
    logUs.map(([w, l]) => -logSigmoid(0.5 * (w - l))),
    { tolerance: 1e-5 },
  );
});
