import { deepStrictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { ldDpo } from "lib/losses/ld_dpo.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import {
  logSigmoid,
  type PeerPair,
  sigmoid,
  testPreset,
} from "./peer_formula.ts";

/** Share of a completion's log-probability that counts, tokens being alike. */
function shares({ nc, nr }: PeerPair): { c: number; r: number } {
  const common = Math.min(nc, nr);
  const share = (n: number) => (common + 0.5 * (n - common)) / n;
  return { c: share(nc), r: share(nr) };
}

testPreset(ldDpo, "trl", (pair) => {
  const { c, r } = shares(pair);
  return -logSigmoid(0.1 * (c * pair.dc - r * pair.dr));
});
testPreset(ldDpo, "llama-factory", (pair) => {
  const { c, r } = shares(pair);
  const { lc, rc, lr, rr } = pair;
  return -logSigmoid(0.1 * (c * lc - rc - (r * lr - rr)));
});

const pair = {
  chosen: [-10, -2],
  refChosen: [-5, -4],
  chosenLength: [5, 1],
  rejected: [-6, -9],
  refRejected: [-3, -6],
  rejectedLength: [3, 3],
};

Deno.test("ld-dpo weighs tokens by their place", async () => {
  // The chosen completion of the first pair is tokens 0 to 4, and the shorter
  // one has 3; the rejected completion of the second pair is tokens 9 to 11.
  const raised: Record<number, number> = { 2: 0.5, 3: 1, 9: 0.25, 11: 2 };
  const { loss } = await runLoss(ldDpo, pair, {
    lossOptions: { beta: 1, alpha: 0.25 },
    deviation: (token) => raised[token] ?? 0,
  });
  const first = { w: -3 + 0.5 + 0.25 * (-2 + 1), l: -3 };
  const second = { w: 2, l: -1 + 0.25 + 0.25 * (-2 + 2) };
  assertClose(loss, [
    -logSigmoid(first.w - first.l),
    -logSigmoid(second.w - second.l),
  ]);
});

Deno.test("ld-dpo's gradient is α-weighted beyond the shorter completion", async () => {
  const { gradients } = await runLoss(ldDpo, pair, {
    lossOptions: { beta: 1, alpha: 0.25 },
  });
  // Each token has an equal share in the completion's log-probability.
  const [c, r] = [[(3 + 0.5) / 5, 1], [1, (1 + 0.5) / 3]];
  const margins = [0.7 * -5 + 3, 2 - 0.5 * -3];
  const slopes = margins.map((margin) => sigmoid(-margin));
  assertClose(gradients.chosen, slopes.map((slope, i) => -slope * c[i]!));
  assertClose(gradients.rejected, slopes.map((slope, i) => slope * r[i]!));
});

for (const ldReference of ["desensitized", "plain"]) {
  Deno.test(`ld-dpo with α 1 and a ${ldReference} reference is dpo`, async () => {
    const lossOptions = { beta: 0.5, alpha: 1, ldReference };
    const { loss } = await runLoss(ldDpo, pair, { lossOptions });
    const expected = await runLoss(dpo, pair, { lossOptions: { beta: 0.5 } });
    assertClose(loss, expected.loss);
  });
}

Deno.test("ld-dpo with α 0 does not see what is beyond the shorter completion", async () => {
  const run = (tail: number) =>
    runLoss(ldDpo, pair, {
      lossOptions: { alpha: 0 },
      deviation: (token) => token === 4 || token === 10 ? tail : 0,
    });
  deepStrictEqual((await run(0)).loss, (await run(-50)).loss);
});
