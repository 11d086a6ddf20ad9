import type { Value } from "../onnx/graph.ts";
import { add, div, mul, neg } from "../ops/elementwise.ts";
import type { Prompts, Sequences, Settings, Totals } from "./loss.ts";
import { perToken } from "./sequences.ts";

/** Which tokens' negative log-likelihood counts. */
export const nllOver = {
  kind: "choice",
  choices: ["completion", "all"],
  default: "completion",
  help: "tokens of the NLL: the completion's, or the prompt's as well",
} as const;

/** How it is averaged; each loss has a default of its own. */
export const nllReduction = {
  kind: "choice",
  choices: ["example", "token"],
  help:
    "mean of the examples' means, or mean over all tokens of the optimizer batch",
} as const;

type NllSettings = Settings<
  {
    nllOver: typeof nllOver;
    nllReduction: typeof nllReduction & { default: string };
  }
>;

interface NllBatch {
  readonly completion: Sequences;
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
  return neg(mul(scored.logProb, div(totals.examples, tokens)));
}
