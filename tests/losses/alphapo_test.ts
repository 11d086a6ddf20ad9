import { alphapo } from "lib/losses/alphapo.ts";
import { simpo } from "lib/losses/simpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid, testPreset } from "./peer_formula.ts";

const reward = (a: number, alpha: number) =>
  (1 - Math.exp(a) ** -alpha) / alpha;

testPreset(
  alphapo,
  "trl",
  ({ ac, ar }) =>
    -logSigmoid(0.1 * (reward(ac, 0.25) - reward(ar, 0.25)) - 0.5),
);

const pair = {
  chosen: [-10, -14, -6],
  rejected: [-20, -2, -18],
  chosenLength: [5, 2, 1],
  rejectedLength: [4, 1, 3],
};
const MEANS = [[-2, -5], [-7, -2], [-6, -6]] as const;

for (const alpha of [-0.5, 0.25, 1]) {
  Deno.test(`alphapo with α ${alpha} compares powers of probabilities`, async () => {
    const { loss, gradients } = await runLoss(alphapo, pair, {
      lossOptions: { beta: 0.5, gamma: 1, alpha },
    });
    const z = MEANS.map(([w, l]) =>
      0.5 * (reward(w, alpha) - reward(l, alpha)) - 1
    );
    assertClose(loss, z.map((z) => -logSigmoid(z)));
    const slopes = z.map((z, i) =>
      -0.5 * sigmoid(-z) * Math.exp(-alpha * MEANS[i]![0])
    );
    assertClose(
      gradients.chosen,
      slopes.map((slope, i) => slope / pair.chosenLength[i]!),
    );
  });
}

Deno.test("alphapo becomes simpo as α goes to 0", async () => {
  const lossOptions = { beta: 0.5, gamma: 1 };
  const expected = await runLoss(simpo, pair, { lossOptions });
  for (const alpha of [-1e-6, 1e-6]) {
    const { loss } = await runLoss(alphapo, pair, {
      lossOptions: { ...lossOptions, alpha },
      float: "float64",
    });
    assertClose(loss, expected.loss, { tolerance: 1e-5 });
  }
});
