import { Graph } from "../onnx/graph.ts";
import { inputOf, lossTerms } from "./batch_inputs.ts";
import type { Loss } from "./loss.ts";
import { type LossOptionValues, resolveOptions } from "./options.ts";

/** What a loss reads of an example besides log π_θ(y|x). */
export interface Reads {
  /** log π_ref of completions. */
  readonly reference: boolean;
  /** Numbers of tokens: it averages over them. */
  readonly lengths: boolean;
  /** Prompts' log-probabilities. */
  readonly prompts: boolean;
  /** Single tokens' log-probabilities. */
  readonly tokens: boolean;
  /** Single tokens' log-probabilities under the reference. */
  readonly tokenReference: boolean;
  /** How concentrated the policy is at single tokens. */
  readonly collisions: boolean;
}

/**
 * What a loss reads under its settings, found by building it once: there is no
 * declaration that could be wrong.
 */
export function lossReads(loss: Loss, settings: LossOptionValues): Reads {
  const graph = new Graph();
  lossTerms(loss, settings, {
    logProbs: inputOf(graph, "logProbs", { shape: ["Q"] }),
    tokens: () => inputOf(graph, "tokens", { shape: ["S"] }),
    collisions: () => inputOf(graph, "collisions", { shape: ["S"] }),
    sequences: () =>
      inputOf(graph, "sequences", { shape: ["S"], dtype: "int32" }),
    zeros: () => inputOf(graph, "zeros", { shape: ["Q"] }),
  });
  const names = new Set(graph.inputs.map(({ name }) => name));
  const tokenReference = names.has("tokenReference");
  return {
    // Statistics are of log-ratios.
    reference: names.has("reference") || tokenReference ||
      loss.statistics !== undefined,
    lengths: names.has("lengths"),
    prompts: names.has("prompts"),
    tokens: names.has("tokens"),
    tokenReference,
    collisions: names.has("collisions"),
  };
}

/** What a loss needs besides log π_θ(y|x) under its defaults, in words. */
export function lossNeeds(loss: Loss): string[] {
  const reads = lossReads(loss, resolveOptions(loss));
  return [
    reads.reference ? "reference" : "no reference",
    reads.tokens
      ? "single tokens"
      : reads.lengths
      ? "means over tokens"
      : "sums over tokens",
    ...(reads.collisions ? ["token distributions"] : []),
    ...(reads.prompts ? ["prompts"] : []),
    ...(loss.statistics ? ["batch statistics"] : []),
  ];
}

/** The exact thing that a run minimises, as its record says it. */
export interface LossDescription {
  /** Name of the loss. */
  loss: string;
  formula: string;
  /** How losses of examples become one number. */
  reduction: string;
  /** What a negative log-likelihood covers and divides by, if there is one. */
  nll: string | null;
  /** How KL is estimated, if it is. */
  kl: string | null;
  /** What the reference policy is, if there is one. */
  reference: string | null;
}

/** Describes a loss under its settings; `reference` says what π_ref is. */
export function describeLoss(
  loss: Loss,
  settings: LossOptionValues,
  { reference }: Pick<LossDescription, "reference">,
): LossDescription {
  return {
    loss: loss.id,
    formula: loss.formula,
    reduction: "mean over the examples of the optimizer batch",
    nll: "nllOver" in settings
      ? `${settings["nllOver"]} tokens, mean by ${settings["nllReduction"]}`
      : null,
    kl: loss.statistics?.formula ?? null,
    reference,
  };
}
