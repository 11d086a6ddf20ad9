import { deepStrictEqual, throws } from "node:assert/strict";
import { kto } from "lib/losses/kto.ts";
import { type LabelLoss, resolveSettings } from "lib/losses/loss.ts";
import { assertClose } from "../assert_close.ts";
import { type Block, type Golden, testGolden } from "./golden.ts";
import { runLoss } from "./loss_graph.ts";

/** The chosen completions of the pairs are desirable, the rejected are not. */
interface LabelCase {
  readonly options: {
    readonly desirableWeight: number;
    readonly undesirableWeight: number;
    readonly klLogRatios: readonly number[];
  };
  readonly lossesDesirable: readonly number[];
  readonly lossesUndesirable: readonly number[];
  readonly gradDesirable: readonly number[];
  readonly gradUndesirable: readonly number[];
}

function labelGolden(
  { beta, inputs }: Block,
  { options, ...numbers }: LabelCase,
): Golden {
  const { desirableWeight, undesirableWeight, klLogRatios } = options;
  const { referencePoint } = kto.statistics.reduce(klLogRatios).inputs;
  return {
    settings: { beta, desirableWeight, undesirableWeight },
    batch: {
      chosen: [...inputs.chosen, ...inputs.rejected],
      refChosen: [...inputs.refChosen, ...inputs.refRejected],
      desirable: [
        ...inputs.chosen.map(() => 1),
        ...inputs.rejected.map(() => 0),
      ],
      statistic: referencePoint!,
    },
    losses: [...numbers.lossesDesirable, ...numbers.lossesUndesirable],
    gradients: {
      chosen: [...numbers.gradDesirable, ...numbers.gradUndesirable],
    },
  };
}

testGolden(kto, "kto", labelGolden);
testGolden(kto, "kto-weighted", labelGolden);
testGolden(kto, "kto-kl-clamped", labelGolden);

const WEIGHTS = { desirableWeight: 1.33, undesirableWeight: 0.8 };

Deno.test("kto is half the weight at π = π_ref and z₀ = 0, whatever β", async () => {
  const chosen = [-1e3, -20, -1e3, -20];
  const desirable = [1, 1, 0, 0];
  for (const beta of [1e-3, 0.1, 50]) {
    const { loss, gradients } = await runLoss(
      kto,
      { chosen, refChosen: chosen, desirable },
      { settings: { beta, ...WEIGHTS } },
    );
    assertClose(loss, [0.665, 0.665, 0.4, 0.4]);
    const slopes = [-1.33, -1.33, 0.8, 0.8].map((w) => w * beta / 4);
    assertClose(gradients["chosen"]!, slopes);
  }
});

Deno.test("kto with the label flipped is the rest of the weight", async () => {
  const chosen = [-3, -2e3, -40];
  const refChosen = [-5, -1, -41];
  const run = (label: number) =>
    runLoss(kto, {
      chosen,
      refChosen,
      desirable: label,
      statistic: 0.7,
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
      statistic: 2 + shift,
    });
  deepStrictEqual(await at(0), await at(4));
});

const row = (prompt: number, completion: number) => ({
  prompt: [10 * prompt],
  completions: [[10 * completion + 1, 10 * completion + 2]],
});

function pairings(klPairing: string, examples: number) {
  const { statistics }: LabelLoss = kto;
  const batch = Array.from({ length: examples }, (_, i) => row(i, i));
  return statistics.rows(batch, resolveSettings(kto, { klPairing }));
}

Deno.test("kto pairs each prompt with the next completion, the last with the first", () => {
  deepStrictEqual(pairings("next", 3), [row(0, 1), row(1, 2), row(2, 0)]);
  deepStrictEqual(pairings("next", 2), [row(0, 1), row(1, 0)]);
});

Deno.test("kto pairs each prompt with the previous completion on demand", () => {
  deepStrictEqual(pairings("previous", 3), [row(0, 2), row(1, 0), row(2, 1)]);
  deepStrictEqual(pairings("previous", 2), [row(0, 1), row(1, 0)]);
});

Deno.test("kto refuses a batch without a mismatched completion", () => {
  throws(() => pairings("next", 1), {
    name: "RangeError",
    message:
      "Cannot estimate the reference point of KTO from a batch of 1: expected at least 2 examples",
  });
});

Deno.test("kto clamps its reference point at 0 and reports it raw as well", () => {
  deepStrictEqual(kto.statistics.reduce([1, 2, 6]), {
    inputs: { referencePoint: 3 },
    metrics: { kl: 3, klRaw: 3 },
  });
  deepStrictEqual(kto.statistics.reduce([1, -7]), {
    inputs: { referencePoint: 0 },
    metrics: { kl: 0, klRaw: -3 },
  });
});
