import { deepStrictEqual } from "node:assert/strict";
import { orpo } from "lib/losses/orpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { logSigmoid, type PeerPair, testPreset } from "./peer_formula.ts";

/** log(odds(y_w) / odds(y_l)) of mean log-probabilities, as peers write it. */
const logOddsRatio = ({ ac, ar }: PeerPair) =>
  ac - ar - (Math.log1p(-Math.exp(ac)) - Math.log1p(-Math.exp(ar)));

testPreset(
  orpo,
  "trl",
  (pair) => pair.tokenNllWithPrompt - 0.1 * logSigmoid(logOddsRatio(pair)),
);
testPreset(
  orpo,
  "llama-factory",
  (pair) => -pair.ac - 0.1 * logSigmoid(logOddsRatio(pair)),
);
testPreset(
  orpo,
  "paper-repo",
  (pair) => pair.tokenNllWithPrompt - logSigmoid(logOddsRatio(pair)),
);

const pair = {
  chosen: [-10, -700, -1e-3],
  rejected: [-20, -2, -4],
  chosenLength: [5, 100, 1],
  rejectedLength: [4, 1, 2],
};

Deno.test("orpo is its likelihood and λ times its contrast", async () => {
  const lossOptions = { lambda: 0.25 };
  const { loss, metrics } = await runLoss(orpo, pair, { lossOptions });
  const { nll, oddsRatio } = metrics;
  assertClose(loss, nll!.map((x, i) => x + 0.25 * oddsRatio![i]!));
});

Deno.test("orpo's contrast loses the log odds ratio when the pair is swapped", async () => {
  const odds = (a: number) => a - Math.log(-Math.expm1(a));
  const expected = [[-2, -5], [-7, -2], [-1e-3, -2]]
    .map(([w, l]) => odds(l!) - odds(w!));
  const { metrics } = await runLoss(orpo, pair);
  const swapped = await runLoss(orpo, {
    chosen: pair.rejected,
    rejected: pair.chosen,
    chosenLength: pair.rejectedLength,
    rejectedLength: pair.chosenLength,
  });
  const change = metrics["oddsRatio"]!.map((x, i) =>
    x - swapped.metrics["oddsRatio"]![i]!
  );
  assertClose(change, expected);
});

Deno.test("orpo's contrast is log 2 where both answers are certain, and pulls no further", async () => {
  const { loss, gradients } = await runLoss(
    orpo,
    { chosen: [0, -1e-9], rejected: [0, 0] },
    { lossOptions: { lambda: 1, nllWeight: 0 } },
  );
  assertClose(loss, [Math.LN2, Math.LN2]);
  deepStrictEqual(gradients.chosen.map(Math.abs), [0, 0]);
});
