import { calDpo } from "./cal_dpo.ts";
import { GATE, gatedTerms, gateOptions } from "./gate.ts";
import { pairLoss } from "./loss.ts";

/** Gate-Cal-DPO, https://arxiv.org/abs/2605.02626: Cal-DPO with the gate. */
export const gateCalDpo = pairLoss({
  id: "gate-cal-dpo",
  title: "Calibrated DPO with a gate on the rejected gradient",
  mark: { color: "sky", dash: "longdash", symbol: "circle" },
  formula: `${calDpo.formula}, ${GATE.formula}`,
  derivation: GATE.derivation,
  source: GATE.source,
  options: { ...calDpo.options, ...gateOptions },
  rewardScale: ({ beta }) => beta,
  terms: (batch, options) =>
    gatedTerms(batch, options, (gated) => calDpo.terms(gated, options)),
});
