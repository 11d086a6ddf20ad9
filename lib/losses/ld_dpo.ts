import type { Value } from "../onnx/graph/graph.ts";
import { add, cast, greater, min, mul, sub } from "../ops/elementwise.ts";
import type { PairBatch } from "./batches.ts";
import { pairLoss } from "./loss.ts";
import { negLogSigmoid } from "./sequences.ts";
import { beta } from "./options.ts";

/**
 * Length-Desensitized DPO, https://arxiv.org/abs/2409.06411: what the longer
 * completion has beyond the length of the shorter one counts less.
 */
export const ldDpo = pairLoss({
  id: "ld-dpo",
  title: "Length-desensitized DPO",
  mark: { color: "blue", dash: "dashdot", symbol: "diamond" },
  formula: "−log σ(β(Δ_w − Δ_l)), Δ = ℓ − ℓ_ref, " +
    "ℓ = sum_(t<m) log π(y_t) + α sum_(t>=m) log π(y_t), m = min(n_w, n_l)",
  derivation: [
    "`log π(y|x)` is a sum over tokens, so that the longer completion has the larger part in the loss and in its gradient of DPO, whatever the tokens say.",
    "The probability of a completion is a product over tokens. Its factors from where the shorter completion ends, `t >= m`, are raised to the power α.",
    "`α = 1` is DPO, `α = 0` compares the common length only.",
  ],
  source: "LD-DPO, section 3, https://arxiv.org/abs/2409.06411",
  options: {
    beta,
    alpha: {
      kind: "number",
      symbol: "α",
      default: 0.5,
      min: 0,
      max: 1,
      help: "weight of the tokens beyond the shorter completion's length",
      aka: ["ld_alpha"],
    },
    ldReference: {
      kind: "choice",
      choices: ["desensitized", "plain"],
      default: "desensitized",
      help: "whether log π_ref is weighted by α as well",
    },
  },
  presets: {
    trl: {
      names: ["sigmoid"],
      options: {},
      note:
        "without ld_alpha it is DPO; with it, all losses of a sum except sft are weighted so",
    },
    "llama-factory": {
      names: ["sigmoid"],
      options: { ldReference: "plain" },
      note: "without ld_alpha it is DPO",
    },
  },
  rewardScale: ({ beta }) => beta,
  terms: ({ chosen, rejected, tokens }, { beta, alpha, ldReference }) => {
    const weight = tokenWeight({ chosen, rejected, tokens }, alpha);
    const [w, l] = [chosen, rejected].map((completion) =>
      ldReference === "plain"
        ? sub(
          completion.sum(mul(weight, tokens.logProb)),
          completion.refLogProb,
        )
        : completion.sum(mul(weight, sub(tokens.logProb, tokens.refLogProb)))
    );
    return { loss: negLogSigmoid(mul(beta, sub(w!, l!))) };
  },
});

/** 1 for tokens within the length of the shorter completion, α beyond. */
function tokenWeight(
  { chosen, rejected, tokens }: Pick<
    PairBatch,
    "chosen" | "rejected" | "tokens"
  >,
  alpha: Value,
): Value {
  const { position } = tokens;
  const common = tokens.spread(min(chosen.length, rejected.length));
  const isCommon = cast(greater(common, position), position.dtype);
  return add(alpha, mul(sub(1, alpha), isCommon));
}
