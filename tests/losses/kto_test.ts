import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { kto } from "lib/losses/kto.ts";
import { type Peer, PEERS } from "lib/losses/loss.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";
import { sigmoid } from "./peer_formula.ts";

const WEIGHTS = { desirableWeight: 1.33, undesirableWeight: 0.8 };

Deno.test("kto is half the weight at π = π_ref and z₀ = 0, whatever β", async () => {
  const chosen = [-1e3, -20, -1e3, -20];
  const desirable = [1, 1, 0, 0];
  for (const beta of [1e-3, 0.1, 50]) {
    const { loss, gradients } = await runLoss(
      kto,
      { chosen, refChosen: chosen, desirable },
      {
        lossOptions: { beta, ...WEIGHTS },
        statistics: { referencePoint: 0 },
      },
    );
    assertClose(loss, [0.665, 0.665, 0.4, 0.4]);
    const slopes = [-1.33, -1.33, 0.8, 0.8].map((w) => w * beta / 4);
    assertClose(gradients.chosen, slopes);
  }
});

Deno.test("kto with the label flipped is the rest of the weight", async () => {
  const chosen = [-3, -2e3, -40];
  const refChosen = [-5, -1, -41];
  const run = (label: number) =>
    runLoss(kto, { chosen, refChosen, desirable: label }, {
      statistics: { referencePoint: 0.7 },
    });
  const [desirable, undesirable] = [await run(1), await run(0)];
  assertClose(
    desirable.loss.map((x, i) => x + undesirable.loss[i]!),
    [1, 1, 1],
  );
});

Deno.test("kto sees only how far the log-ratio is above the reference point", async () => {
  const desirable = [1, 0];
  const chosen = [-10, -20];
  const at = (shift: number) =>
    runLoss(kto, {
      chosen: chosen.map((x) => x + shift),
      refChosen: [-11, -18],
      desirable,
    }, { statistics: { referencePoint: 2 + shift } });
  deepStrictEqual(await at(0), await at(4));
});

const row = (prompt: number, completion: number) => ({
  prompt: [10 * prompt],
  completions: [[10 * completion + 1, 10 * completion + 2]],
});

type Pairing = "next" | "previous" | "other-prompt";

function pairings(klPairing: Pairing, examples: number) {
  const prompts = Array.from({ length: examples }, (_, i) => i);
  return pairingsOf(klPairing, prompts);
}

/** Of examples with these prompts, each with a completion of its own. */
function pairingsOf(klPairing: Pairing, prompts: readonly number[]) {
  const batch = prompts.map((prompt, i) => row(prompt, i));
  const weights = { desirableWeight: 1, undesirableWeight: 1 };
  return kto.statistics!.rows!(batch, { beta: 0.1, klPairing, ...weights });
}

Deno.test("kto pairs each prompt with the next completion, the last with the first", () => {
  deepStrictEqual(pairings("next", 3), [row(0, 1), row(1, 2), row(2, 0)]);
  deepStrictEqual(pairings("next", 2), [row(0, 1), row(1, 0)]);
});

Deno.test("kto pairs each prompt with the previous completion on demand", () => {
  deepStrictEqual(pairings("previous", 3), [row(0, 2), row(1, 0), row(2, 1)]);
  deepStrictEqual(pairings("previous", 2), [row(0, 1), row(1, 0)]);
});

Deno.test("kto pairs each prompt with the next completion where all prompts differ, whatever is asked for", () => {
  for (const count of [2, 3, 8]) {
    deepStrictEqual(pairings("other-prompt", count), pairings("next", count));
  }
});

Deno.test("kto on demand pairs no prompt with what belongs to it, and lends each completion once", () => {
  const rng = new Rng("prompts");
  for (let trial = 0; trial < 200; trial++) {
    const length = 2 + rng.integer(11);
    const distinct = 1 + rng.integer(6);
    const prompts = Array.from({ length }, () => rng.integer(distinct));
    const found = pairingsOf("other-prompt", prompts);
    deepStrictEqual(found.map(({ prompt }) => prompt[0]! / 10), prompts);
    // The first token of the i-th completion is 10 i + 1.
    const lenders = found.map(({ completions: [ids] }) => (ids![0]! - 1) / 10);
    deepStrictEqual(lenders.toSorted((a, b) => a - b), [...prompts.keys()]);
    ok(lenders.every((lender, i) => lender !== i));
    const own = lenders.filter((lender, i) => prompts[lender] === prompts[i]);
    const most = Math.max(
      ...prompts.map((p) => prompts.filter((q) => q === p).length),
    );
    // A prompt of more than half of the batch has too few others to ask.
    strictEqual(own.length, Math.max(0, 2 * most - length));
  }
});

Deno.test("kto refuses a batch without a mismatched completion", () => {
  throws(() => pairings("next", 1), {
    name: "RangeError",
    message:
      "Cannot estimate the reference point of KTO from a batch of 1: expected at least 2 examples",
  });
});

Deno.test("kto's reference point is the mean over its mismatched pairs, clamped at 0 and raw", () => {
  const reduce = (ratios: readonly number[]) =>
    kto.statistics!.reduce(
      ratios.map((
        ratio,
      ) => [{ logProb: ratio - 9, refLogProb: -9, length: 1 }]),
      { beta: 0.1, klPairing: "next", ...WEIGHTS },
      {},
    );
  deepStrictEqual(reduce([1, 2, 6]), {
    values: { referencePoint: 3 },
    metrics: { kl: 3, klRaw: 3 },
  });
  deepStrictEqual(reduce([1, -7]), {
    values: { referencePoint: 0 },
    metrics: { kl: 0, klRaw: -3 },
  });
});

/** Whose completion each peer lends a prompt. */
const LENDERS: Record<Peer, "next" | "previous"> = {
  "trl": "previous",
  "llama-factory": "next",
  "paper-repo": "next",
};

for (const peer of PEERS) {
  Deno.test(`kto under the preset ${peer} is that peer's formula`, async () => {
    const lossOptions = { ...kto.presets![peer]!.options };
    const { loss } = await runLoss(
      kto,
      { chosen: [-3, -2, -9], refChosen: [-5, -1, -4], desirable: [1, 0, 1] },
      { lossOptions, mismatched: [1, 2, 6] },
    );
    const kl = 3;
    assertClose(loss, [
      1 - sigmoid(0.1 * (2 - kl)),
      1 - sigmoid(0.1 * (kl - -1)),
      1 - sigmoid(0.1 * (-5 - kl)),
    ]);
    strictEqual(lossOptions.klPairing ?? "next", LENDERS[peer]);
  });
}
