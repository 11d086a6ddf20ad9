import { orpo } from "lib/losses/orpo.ts";
import { sft } from "lib/losses/sft.ts";
import { assertClose } from "../assert_close.ts";
import { runLoss } from "./loss_graph.ts";

/** A micro-batch of two examples; the optimizer batch has a third. */
const batch = {
  chosen: [-10, -6],
  chosenLength: [5, 2],
  prompt: [-8, 0],
  promptLength: [4, 0],
  totals: { examples: 3, completionTokens: 10, promptTokens: 6 },
};

/** −log π of each example, scaled as each reduction has it, by hand. */
const CASES = [
  {
    nllOver: "completion",
    nllReduction: "example",
    each: [10 / 5, 6 / 2],
    slope: [1 / 5, 1 / 2],
  },
  {
    nllOver: "all",
    nllReduction: "example",
    each: [18 / 9, 6 / 2],
    slope: [1 / 9, 1 / 2],
  },
  {
    nllOver: "completion",
    nllReduction: "token",
    each: [10 * 3 / 10, 6 * 3 / 10],
    slope: [3 / 10, 3 / 10],
  },
  {
    nllOver: "all",
    nllReduction: "token",
    each: [18 * 3 / 16, 6 * 3 / 16],
    slope: [3 / 16, 3 / 16],
  },
];

for (const { each, slope, ...settings } of CASES) {
  const { nllOver, nllReduction } = settings;
  const name = `the NLL over ${nllOver} by ${nllReduction}`;
  const gradient = slope.map((x) => -x);

  Deno.test(`sft is ${name}`, async () => {
    const { loss, gradients } = await runLoss(sft, batch, { settings });
    assertClose(loss, each);
    for (const found of Object.values(gradients)) {
      assertClose(found, gradient);
    }
  });

  Deno.test(`orpo without its contrast is ${name}`, async () => {
    const { loss, metrics, gradients } = await runLoss(
      orpo,
      { ...batch, rejected: [-1, -1] },
      { settings: { ...settings, lambda: 0 } },
    );
    assertClose(loss, each);
    assertClose(metrics["nll"]!, each);
    assertClose(gradients["chosen"]!, gradient);
  });
}
