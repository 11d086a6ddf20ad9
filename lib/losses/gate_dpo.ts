import { dpo } from "./dpo.ts";
import { GATE, gatedTerms, gateOptions } from "./gate.ts";
import { pairLoss } from "./loss.ts";

/**
 * Gate-DPO, https://arxiv.org/abs/2605.02626: DPO that stops pushing rejected
 * completions down once they are unlikely.
 *
 * The authors' comparison names the gate's form, and not its numbers: the
 * defaults of α and p_0 are choices of this project.
 */
export const gateDpo = pairLoss({
  id: "gate-dpo",
  title: "DPO with a gate on the rejected gradient",
  mark: { color: "blue", dash: "longdash", symbol: "star" },
  formula: `${dpo.formula}, ${GATE.formula}`,
  derivation: GATE.derivation,
  source: GATE.source,
  options: { ...dpo.options, ...gateOptions },
  rewardScale: ({ beta }) => beta,
  terms: (batch, options) =>
    gatedTerms(batch, options, (gated) => dpo.terms(gated, options)),
});
