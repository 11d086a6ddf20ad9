import { type Loss, pairLoss } from "lib/losses/loss.ts";
import { beta } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import { logRatio, negLogSigmoid } from "lib/losses/sequences.ts";
import { mul, sub } from "lib/ops/elementwise.ts";

const WRONG = "wrong; compare DPO, eq. 7, https://arxiv.org/abs/2305.18290";

/** The Bradley–Terry line with its sign turned. */
const turned = pairLoss({
  id: "dpo-turned",
  title: "DPO with the rewards the wrong way round",
  mark: { color: "vermilion", dash: "dash", symbol: "x" },
  formula: "−log σ(β(Δ_l − Δ_w)), Δ = log π(y|x) − log π_ref(y|x)",
  source: WRONG,
  options: { beta },
  terms: ({ chosen, rejected }, { beta }) => ({
    loss: negLogSigmoid(mul(beta, sub(logRatio(rejected), logRatio(chosen)))),
  }),
});

/** Both rewards written with the rejected answer. */
const rejectedOnly = pairLoss({
  id: "dpo-rejected",
  title: "DPO with both rewards those of the rejected answer",
  mark: { color: "orange", dash: "dash", symbol: "x" },
  formula: "−log σ(β(Δ_l − Δ_l)), Δ = log π(y|x) − log π_ref(y|x)",
  source: WRONG,
  options: { beta },
  terms: ({ rejected }, { beta }) => ({
    loss: negLogSigmoid(mul(beta, sub(logRatio(rejected), logRatio(rejected)))),
  }),
});

const OWN: readonly Loss[] = [turned, rejectedOnly];

/** The form of a name: one that is taught, or one of a paper. */
export function formOf(name: string): Loss {
  return OWN.find(({ id }) => id === name) ?? findLoss(name);
}

/** Each form that is taught, the paper's, and the algebra between them. */
export const FORMS = [
  {
    title: "DPO with its sign turned",
    taught: "dpo-turned",
    paper: "dpo",
    algebra:
      "−log σ(r_l − r_w) is the negative log-likelihood of the rejected answers winning. Its optimum is that of DPO with every reward negated: π ∝ π_ref exp(−r/β).",
  },
  {
    title: "DPO with both rewards of the rejected answer",
    taught: "dpo-rejected",
    paper: "dpo",
    algebra:
      "If r(x,y) is written as β log π(y_l|x)/π_ref(y_l|x), both rewards of a pair are one number. Their difference is 0 and the loss log 2, whatever the policy: nothing is learnt.",
  },
  {
    title: "KTO as a pairwise score",
    taught: "kto-pairwise",
    paper: "kto",
    algebra:
      "−log σ(β(log π(y_w|x) − log π(y_l|x))) has no π_ref. Its optimum has the odds of Bradley–Terry wherever training starts; and it needs pairs, which KTO is there to do without.",
  },
  {
    title: "ORPO as a bare ratio",
    taught: "orpo-ratio",
    paper: "orpo",
    algebra:
      "E[−log π(y_w|x)/π(y_l|x)] is linear in log π: where the chosen answer wins more often it falls without bound, and nothing says when to stop.",
  },
] as const;
