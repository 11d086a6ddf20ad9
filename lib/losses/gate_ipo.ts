import { GATE, gatedTerms, gateOptions } from "./gate.ts";
import { ipo } from "./ipo.ts";
import { pairLoss } from "./loss.ts";

/** Gate-IPO, https://arxiv.org/abs/2605.02626: IPO with Gate-DPO's gate. */
export const gateIpo = pairLoss({
  id: "gate-ipo",
  title: "IPO with a gate on the rejected gradient",
  mark: { color: "sky", dash: "longdash", symbol: "star" },
  formula: `${ipo.formula}, ${GATE.formula}`,
  derivation: GATE.derivation,
  source: GATE.source,
  options: { ...ipo.options, ...gateOptions },
  rewardScale: ({ beta }) => beta,
  terms: (batch, options) =>
    gatedTerms(batch, options, (gated) => ipo.terms(gated, options)),
});
