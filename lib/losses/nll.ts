import type { Value } from "../onnx/graph/graph.ts";
import { add, div, max, mul, neg } from "../ops/elementwise.ts";
import type { Prompts, Sequences, Totals } from "./batch.ts";
import type { LossTerms } from "./loss.ts";
import type { LossOptionTerms, LossOptionValues } from "./options.ts";
import { perToken } from "./sequences.ts";

/** The tokens whose negative log-likelihood counts. */
const nllOver = {
  kind: "choice",
  choices: ["completion", "all"],
  default: "completion",
  help: "tokens of the NLL: the completion's, or the prompt's as well",
} as const;

/** Its average; each loss has a default of its own. */
const nllReduction = {
  kind: "choice",
  choices: ["example", "token"],
  help:
    "mean of the examples' means, or mean over all tokens of the optimizer batch",
} as const;

const nllWeight = {
  kind: "number",
  symbol: "λ_NLL",
  min: 0,
  help: "weight of the chosen completion's NLL",
  aka: ["cpo_alpha", "rpo_alpha", "tpo_alpha"],
} as const;

/** The options of a loss that is a negative log-likelihood. */
export const likelihoodOptions = (
  { reduction }: { reduction: "example" | "token" },
) => ({ nllOver, nllReduction: { ...nllReduction, default: reduction } });

/** The options of a loss that adds one, weighted. */
export const nllOptions = (
  { weight, reduction }: { weight: number; reduction: "example" | "token" },
) => ({
  nllWeight: { ...nllWeight, default: weight },
  ...likelihoodOptions({ reduction }),
});

type NllSettings = LossOptionValues<ReturnType<typeof likelihoodOptions>>;

/** Less than any weighted number of tokens, except 0. */
const LEAST = 1e-20;

/** The part of sequences of which the likelihood is. */
type Scored = Pick<Sequences, "logProb" | "length">;

interface NllBatch {
  readonly completion: Scored;
  readonly prompt: Prompts;
  readonly totals: Totals;
}

/**
 * Negative log-likelihood of each example, scaled so that its mean over the
 * examples of the optimizer batch is the chosen reduction: over tokens, that
 * is −Σ log π / T · n, with T tokens and n examples.
 */
export function nll(
  { completion, prompt, totals }: NllBatch,
  { nllOver, nllReduction }: NllSettings,
): Value {
  const all = nllOver === "all";
  const scored = all
    ? {
      logProb: add(completion.logProb, prompt.logProb),
      length: add(completion.length, prompt.length),
    }
    : completion;
  if (nllReduction === "example") return neg(perToken(scored));
  const tokens = all
    ? add(totals.completionTokens, totals.promptTokens)
    : totals.completionTokens;
  // A batch may have no completion to imitate: each counts 0, and not 0 · ∞.
  return neg(mul(scored.logProb, div(totals.examples, max(tokens, LEAST))));
}

/** A contrast of chosen and rejected plus λ times the NLL of the chosen. */
export function withNll(
  contrast: Value,
  { chosen, prompt, totals }: Omit<NllBatch, "completion"> & {
    readonly chosen: Scored;
  },
  options: LossOptionTerms<ReturnType<typeof nllOptions>>,
): LossTerms {
  const likelihood = nll({ completion: chosen, prompt, totals }, options);
  return {
    loss: add(contrast, mul(options.nllWeight, likelihood)),
    metrics: { contrast, nll: likelihood },
  };
}
