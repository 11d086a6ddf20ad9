import { simpo } from "lib/losses/simpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, sigmoid, testPreset } from "./peer_formula.ts";

testPreset(
  simpo,
  "trl",
  ({ ac, ar, tokenNll }) => -logSigmoid(0.1 * (ac - ar - 0.5 / 0.1)) + tokenNll,
);
testPreset(
  simpo,
  "llama-factory",
  ({ ac, ar }) => -logSigmoid(0.1 * (ac - ar - 0.5 / 0.1)),
);
testPreset(
  simpo,
  "paper-repo",
  ({ ac, ar }) => -logSigmoid(2 * (ac - ar - 0.25)),
);

/** Tokens of −2 against −5, of −7 against −2, of −6 against −6. */
const pair = {
  chosen: [-10, -700, -6],
  rejected: [-20, -2, -18],
  chosenLength: [5, 100, 1],
  rejectedLength: [4, 1, 3],
};

Deno.test("simpo asks for a margin of γ between mean log-probabilities", async () => {
  const { loss, gradients } = await runLoss(simpo, pair, {
    lossOptions: { beta: 0.5, gamma: 1 },
  });
  const z = [0.5, -3.5, -1];
  assertClose(loss, z.map((z) => -logSigmoid(z)));
  assertClose(
    gradients.chosen,
    z.map((z, i) => -0.5 * sigmoid(-z) / pair.chosenLength[i]!),
  );
  assertClose(
    gradients.rejected,
    z.map((z, i) => 0.5 * sigmoid(-z) / pair.rejectedLength[i]!),
  );
});

Deno.test("simpo with smoothing takes a share of the margins as reversed", async () => {
  const { loss } = await runLoss(simpo, pair, {
    lossOptions: { beta: 0.5, gamma: 1, labelSmoothing: 0.2 },
  });
  const z = [0.5, -3.5, -1];
  assertClose(
    loss,
    z.map((z) => -0.8 * logSigmoid(z) - 0.2 * logSigmoid(-z)),
  );
});

Deno.test("simpo does not see length where tokens are as likely", async () => {
  const { loss } = await runLoss(simpo, {
    chosen: [-2, -40],
    chosenLength: [1, 20],
    rejected: [-3, -3],
  });
  assertClose(loss, -logSigmoid(2 * 1 - 0.5));
});
