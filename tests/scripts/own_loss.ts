/** A file with a loss of its own, "halved", whose option is β. */
export const OWN = `
import { pairLoss } from "lib/losses/loss.ts";
import { logRatio, negLogSigmoid } from "lib/losses/sequences.ts";
import { beta } from "lib/losses/options.ts";
import { mul, sub } from "lib/ops/elementwise.ts";

export const halved = pairLoss({
  id: "halved",
  title: "DPO on half of the rejected log-ratio",
  formula: "−log σ(β(Δ_w − Δ_l/2))",
  source: "https://example.org",
  options: { beta },
  terms: ({ chosen, rejected }, { beta }) => {
    const half = mul(0.5, logRatio(rejected));
    return { loss: negLogSigmoid(mul(beta, sub(logRatio(chosen), half))) };
  },
});
`;
