import type { Loss } from "lib/losses/loss.ts";
import { cpo } from "lib/losses/cpo.ts";
import { orpo } from "lib/losses/orpo.ts";
import { sft } from "lib/losses/sft.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

/** 10 tokens of completions and 6 of prompts. */
const batch = {
  chosen: [-10, -6, -3],
  chosenLength: [5, 2, 3],
  prompt: [-8, 0, -1],
  promptLength: [4, 0, 2],
};

/** −log π of each example, scaled as each reduction has it, by hand. */
const CASES = [
  {
    nllOver: "completion",
    nllReduction: "example",
    each: [10 / 5, 6 / 2, 3 / 3],
    slope: [1 / 5, 1 / 2, 1 / 3],
  },
  {
    nllOver: "all",
    nllReduction: "example",
    each: [18 / 9, 6 / 2, 4 / 5],
    slope: [1 / 9, 1 / 2, 1 / 5],
  },
  {
    nllOver: "completion",
    nllReduction: "token",
    each: [10 * 3 / 10, 6 * 3 / 10, 3 * 3 / 10],
    slope: [3 / 10, 3 / 10, 3 / 10],
  },
  {
    nllOver: "all",
    nllReduction: "token",
    each: [18 * 3 / 16, 6 * 3 / 16, 4 * 3 / 16],
    slope: [3 / 16, 3 / 16, 3 / 16],
  },
];

/** Losses of pairs, without their contrast: its weight, or its slope at π, is 0. */
const PAIRS: [Loss, Record<string, number | string>][] = [
  [orpo, { lambda: 0 }],
  [cpo, { form: "hinge", beta: 10 }],
];

for (const { each, slope, ...lossOptions } of CASES) {
  const { nllOver, nllReduction } = lossOptions;
  const name = `the NLL over ${nllOver} by ${nllReduction}`;
  const gradient = slope.map((x) => -x);
  const ofPrompts = nllOver === "all" ? gradient : [0, 0, 0];

  Deno.test(`sft is ${name}`, async () => {
    const { loss, gradients } = await runLoss(sft, batch, { lossOptions });
    assertClose(loss, each);
    assertClose(gradients.chosen, gradient);
    assertClose(gradients.prompt, ofPrompts);
  });

  for (const [loss, rest] of PAIRS) {
    Deno.test(`${loss.id} without its contrast is ${name}`, async () => {
      const found = await runLoss(
        loss,
        { ...batch, rejected: [-11, -11, -11] },
        { lossOptions: { ...lossOptions, ...rest } },
      );
      assertClose(found.loss, each);
      assertClose(found.metrics["nll"]!, each);
      assertClose(found.gradients.chosen, gradient);
      assertClose(found.gradients.prompt, ofPrompts);
    });
  }
}
