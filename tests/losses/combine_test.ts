import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { combine } from "lib/losses/combine.ts";
import type { PlainLoss } from "lib/losses/loss.ts";
import { pairLoss } from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

const PAIRS = {
  chosen: [-3.1, -0.7, -12],
  rejected: [-2, -4.4, -9],
  refChosen: [-2.5, -1.3, -12],
  refRejected: [-3, -4, -8.5],
  chosenLength: [3, 1, 7],
};

const sumOf = (...parts: [id: string, weight: number][]) =>
  combine(
    parts.map(([id]) => id).join("+"),
    parts.map(([id, weight]) => ({ loss: findLoss(id), weight })),
  );

Deno.test("a combination is the weighted sum of its losses and of their gradients", async () => {
  const both = await runLoss(sumOf(["dpo", 1], ["sft", 0.5]), PAIRS);
  const dpo = await runLoss(findLoss("dpo"), PAIRS);
  const { loss: nll, gradients } = await runLoss(findLoss("sft"), PAIRS);
  assertClose(both.loss, dpo.loss.map((x, i) => x + 0.5 * nll[i]!));
  const slopes = dpo.gradients.chosen.map((x, i) =>
    x + 0.5 * gradients.chosen[i]!
  );
  assertClose(both.gradients.chosen, slopes);
  assertClose(both.gradients.rejected, [...dpo.gradients.rejected]);
  assertClose(both.metrics["loss/dpo"]!, [...dpo.loss]);
  assertClose(both.metrics["loss/sft"]!, [...nll]);
});

Deno.test("of labelled completions a likelihood counts the desirable ones, over their tokens", async () => {
  const batch = {
    chosen: [-3, -8, -20],
    chosenLength: [3, 4, 7],
    desirable: [1, 0, 1],
  };
  const options = { statistics: { referencePoint: 0 } };
  const kto = await runLoss(findLoss("kto"), batch, options);
  const both = await runLoss(sumOf(["kto", 1], ["sft", 2]), batch, options);
  const nll = [3 * 3 / 10, 0, 20 * 3 / 10];
  assertClose(both.loss, kto.loss.map((x, i) => x + 2 * nll[i]!));
});

Deno.test("options of one name are one option, within the bounds of all", () => {
  const loss = sumOf(["ln-dpo", 1], ["dpo", 1], ["sft", 1]);
  const { beta, labelSmoothing } = resolveOptions(loss);
  strictEqual(beta, findLoss("ln-dpo").options["beta"]!.kind && 5);
  strictEqual(labelSmoothing, 0);
  const tight = pairLoss({
    ...PLAIN,
    options: {
      beta: {
        kind: "number",
        symbol: "β",
        default: 1,
        min: 0.5,
        max: 3,
        help: "x",
      },
    },
  });
  const narrow = combine("narrow", [
    { loss: findLoss("dpo"), weight: 1 },
    { loss: tight, weight: 1 },
  ]);
  for (const beta of [0.4, 3.1]) {
    throws(
      () => resolveOptions(narrow, { beta }),
      /from 0.5 to 3/,
    );
  }
  strictEqual(resolveOptions(narrow, { beta: 0.5 })["beta"], 0.5);
});

const { data: _, ...PLAIN } = findLoss("orpo-ratio") as PlainLoss & {
  data: "pairs";
};

Deno.test("a combination has the presets that all its losses have", () => {
  const { presets } = sumOf(["ipo", 1], ["sft", 0.1]);
  deepStrictEqual(presets?.trl?.options, { reduction: "mean" });
  ok(!sumOf(["ipo", 1], ["orpo-ratio", 1]).presets?.trl);
  const mpo = sumOf(["dpo", 0.8], ["bco", 0.2], ["sft", 1]).presets?.trl;
  deepStrictEqual(mpo?.names, ["sigmoid+bco_pair+sft"]);
});

Deno.test("a combination has no preset of a trainer that has none of its sums", () => {
  const sums = [["dpo", "cpo"], ["wpo", "aot"], ["kto", "sft"]] as const;
  for (const [one, other] of sums) {
    ok(findLoss(one).presets?.trl && findLoss(other).presets?.trl);
    ok(!sumOf([one, 1], [other, 1]).presets?.trl, `${one}+${other}`);
  }
  deepStrictEqual(sumOf(["kto", 0.5]).presets?.trl?.options, {
    klPairing: "previous",
  });
});

Deno.test("a combination has the reward scale and the label weights of its losses", () => {
  const options = { beta: 0.3, desirableWeight: 2, undesirableWeight: 0.5 };
  const { rewardScale, labelWeights } = sumOf(["sft", 1], ["kto", 0.1]);
  strictEqual(rewardScale?.(options), 0.3);
  deepStrictEqual(labelWeights?.(options), {
    desirable: 2,
    undesirable: 0.5,
  });
  strictEqual(sumOf(["sft", 1], ["orpo", 1]).rewardScale, undefined);
});

Deno.test("losses that do not go together are refused", () => {
  throws(() => sumOf(["dpo", 1], ["kto", 1]), {
    name: "RangeError",
    message:
      'Cannot combine losses as "dpo+kto": one is of pairs, another of labels',
  });
  throws(() => sumOf(["aot", 1], ["bco", 1]), {
    message:
      'Cannot combine losses as "aot+bco": two of them couple the examples of a batch',
  });
  const other = pairLoss({
    ...PLAIN,
    id: "other",
    options: { beta: { kind: "toggle", help: "x" } },
  });
  throws(
    () =>
      combine(
        "x",
        [findLoss("dpo"), other].map((loss) => ({
          loss,
          weight: 1,
        })),
      ),
    /"x": their options "beta" are different things/,
  );
});
