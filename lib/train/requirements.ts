import type { Loss } from "../losses/loss.ts";
import { type LossOptionValues, resolveOptions } from "../losses/options.ts";
import { lossTerms } from "../losses/terms.ts";
import { Graph } from "../onnx/graph/graph.ts";
import { declaredInputs } from "../onnx/inputs.ts";
import type { Objective } from "../record/record.ts";
import { INPUTS, lossInputs } from "./feeds.ts";

/** Numbers that a loss reads besides log π_θ(y|x). */
export interface LossRequirements {
  /** log π_ref of completions. */
  readonly reference: boolean;
  /** Numbers of tokens: it averages over them. */
  readonly lengths: boolean;
  /** Ratings of completions. */
  readonly ratings: boolean;
  /** Prompts' log-probabilities. */
  readonly prompts: boolean;
  /** Single tokens' log-probabilities. */
  readonly tokens: boolean;
  /** Single tokens' log-probabilities under the reference. */
  readonly tokenReference: boolean;
  /** The concentration of the policy at single tokens. */
  readonly collisions: boolean;
}

/**
 * Finds what a loss reads under its options by building it once: there is no
 * declaration that could be wrong.
 */
export function lossRequirements(
  loss: Loss,
  options: LossOptionValues,
): LossRequirements {
  const graph = new Graph();
  const [ofSequences, ofTokens] = ["Q", "S"].map((dim) =>
    graph.input(`policy.${dim}`, [dim])
  );
  const read = { tokens: false, collisions: false };
  const inputs = lossInputs(graph, loss, {
    logProbs: ofSequences!,
    get tokenLogProbs() {
      read.tokens = true;
      return ofTokens!;
    },
    get collisions() {
      read.collisions = true;
      return ofTokens!;
    },
  });
  lossTerms(loss, options, inputs);
  const declared = declaredInputs(graph, INPUTS);
  return {
    // Statistics are of log-ratios.
    reference: declared.refLogProbs || declared.tokenRefLogProbs ||
      loss.statistics !== undefined,
    lengths: declared.lengths,
    ratings: declared.ratings,
    prompts: declared.promptSequences,
    ...read,
    tokenReference: declared.tokenRefLogProbs,
  };
}

/** Says in words what a loss needs besides log π_θ(y|x) under its defaults. */
export function describeRequirements(loss: Loss): string[] {
  const needs = lossRequirements(loss, resolveOptions(loss));
  return [
    needs.reference ? "reference" : "no reference",
    needs.tokens
      ? "single tokens"
      : needs.lengths
      ? "sums and numbers of tokens"
      : "sums over tokens",
    ...(needs.collisions ? ["token distributions"] : []),
    ...(needs.prompts ? ["prompts"] : []),
    ...(needs.ratings ? ["ratings"] : []),
    ...(loss.statistics ? ["batch statistics"] : []),
  ];
}

/** Describes a loss under its options; `reference` says in words what π_ref is. */
export function describeLoss(
  loss: Loss,
  options: LossOptionValues,
  { reference }: Pick<Objective, "reference">,
): Objective {
  return {
    loss: loss.id,
    formula: loss.formula,
    reduction: "mean over the examples of the optimizer batch",
    nll: "nllOver" in options
      ? `${options["nllOver"]} tokens, mean by ${options["nllReduction"]}`
      : null,
    kl: loss.statistics?.formula ?? null,
    reference,
    rewardScale: loss.rewardScale?.(options) ?? 1,
  };
}
