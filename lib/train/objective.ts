import { Graph, type Value } from "../onnx/graph.ts";
import { gradient } from "../grad.ts";
import { inputOf, lossTerms } from "../losses/batch_inputs.ts";
import type { Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { lossReads } from "../losses/requirements.ts";
import {
  scoredTokens,
  sequenceSums,
  streamInputs,
} from "../models/decoder/decoder.ts";
import type { Policy } from "../models/policy.ts";
import { div, mul } from "../ops/elementwise.ts";
import { sum } from "../ops/shaping.ts";

/** Name under which the sum of a parameter's gradients is fed. */
export const sumInput = (parameter: string) => `sum.${parameter}`;
const METRIC = "metric.";

export interface ObjectiveOptions {
  /** Its choices are compiled in; its numbers are inputs. */
  settings: LossOptionValues;
  /** Equal parts of the head's work. */
  chunks: number;
  /** An empty graph to build in. @default one in float32 */
  graph?: Graph;
}

/** Values of a graph that computes a loss over one micro-batch. */
export interface Objective {
  /** Equal parts of the head's work: scored tokens must be a multiple. */
  readonly chunks: number;
  /** log π of each sequence, `[Q]`, the last one padding. */
  readonly logProbs: Value;
  /** The loss of each example, `[n]`. */
  readonly loss: Value;
  /** Parts of it by name, each `[n]`. */
  readonly metrics: Readonly<Record<string, Value>>;
  /**
   * By how much the loss of its example, times the example's weight, changes
   * with each token's log-probability, summed over the sequence, `[Q]`.
   */
  readonly weights: Value;
  /**
   * For each trained parameter by name, its gradient added to what is fed as
   * `sumInput(name)`.
   */
  readonly gradients: Readonly<Record<string, Value>>;
}

/**
 * The graph of a loss under a policy. The gradient is that of
 * Σ w·loss / Σ w, the latter over the *optimizer* batch, so that micro-batches
 * add up to it exactly.
 */
export function buildObjective(
  policy: Policy,
  loss: Loss,
  { settings, chunks, graph = new Graph() }: ObjectiveOptions,
): Objective {
  const inputs = streamInputs(graph);
  const parameters = policy.parameters(graph);
  const trained = policy.trained.map(({ name }) =>
    graph.inputs.find((input) => input.name === name)!
  );
  const { logProbs: tokens, collisions } = scoredTokens(
    policy.config,
    parameters,
    { inputs, chunks, collisions: lossReads(loss, settings).collisions },
  );
  const logProbs = sequenceSums(tokens, inputs);
  const { loss: each, metrics = {} } = lossTerms(loss, settings, {
    logProbs,
    tokens: () => tokens,
    collisions: () => collisions!,
    sequences: () => inputs.sequences,
    zeros: () => inputs.zeros,
  });
  const examples = inputOf(graph, "examples", { shape: [] });
  const weight = inputOf(graph, "weight", { shape: ["n"] });
  const total = div(sum(mul(weight, each)), examples);
  const sums = policy.trained.map(({ name, shape }) =>
    graph.input(sumInput(name), shape)
  );
  const gradients = gradient(total, [...trained, tokens], { into: sums });
  const ofTokens = gradients.at(-1)!;
  return {
    chunks,
    logProbs,
    loss: each,
    metrics,
    weights: mul(sequenceSums(ofTokens, inputs), examples),
    gradients: Object.fromEntries(
      trained.map(({ name }, i) => [name, gradients[i]!]),
    ),
  };
}

/** Outputs that give the losses and their parts, without gradients. */
export function forwardOutputs(
  { logProbs, loss, metrics }: Objective,
): Record<string, Value> {
  const parts = Object.entries(metrics).map(([name, value]) =>
    [METRIC + name, value] as const
  );
  return { logProbs, loss, ...Object.fromEntries(parts) };
}

/** Name of a loss's part among the outputs, `undefined` for other outputs. */
export function metricName(output: string): string | undefined {
  return output.startsWith(METRIC) ? output.slice(METRIC.length) : undefined;
}
