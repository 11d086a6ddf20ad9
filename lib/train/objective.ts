import { gradient } from "../grad.ts";
import type { Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import { lossTerms } from "../losses/terms.ts";
import { sequenceSums, targetLogProbs } from "../models/decoder/decoder.ts";
import type { Policy } from "../models/policy.ts";
import { Graph, type Value } from "../onnx/graph/graph.ts";
import { checkInputs, fillInputs, inputValues } from "../onnx/inputs.ts";
import type { HostTensor } from "../onnx/tensors.ts";
import { div, mul } from "../ops/elementwise.ts";
import { sum } from "../ops/shaping.ts";
import {
  batchInputs,
  INPUTS,
  lossInputs,
  type MicroBatch,
  streamInputs,
} from "./feeds.ts";
import { type LossRequirements, lossRequirements } from "./requirements.ts";

/** The graph's name for the sum of a parameter's gradients. */
export const sumInput = (parameter: string) => `sum.${parameter}`;
const METRIC = "metric.";

export interface ObjectiveOptions {
  /** The loss's choices are compiled in; its numbers are inputs. */
  lossOptions: LossOptionValues;
  /** Equal parts of the head's work. */
  chunks: number;
  /** Cuts of attention, as in `treeBatch()`. @default 0 */
  attentionCuts?: number;
  /** Whether gradients have the factor of `MicroBatch.lossScale`. @default false */
  isScaled?: boolean;
  /** As `gradient()` has it. @default 0 */
  recomputedLayers?: number;
  /** An empty graph to build in. @default one in float32 */
  graph?: Graph;
}

/** Values of a graph that computes a loss over one micro-batch. */
export interface Objective {
  readonly requirements: LossRequirements;
  /** Equal parts of the head's work: scored tokens must be a multiple. */
  readonly chunks: number;
  /** Cuts of attention in micro-batches, as in `treeBatch()`. */
  readonly attentionCuts: number;
  /** log π of each sequence, `[Q]`, the last one padding. */
  readonly logProbs: Value;
  /** The loss of each example, `[n]`. */
  readonly loss: Value;
  /** Parts of it by name, each `[n]`. */
  readonly metrics: Readonly<Record<string, Value>>;
  /**
   * The derivative of its example's loss, times the example's weight, by each
   * token's log-probability, summed over the sequence, `[Q]`.
   */
  readonly logProbGradients: Value;
  /**
   * The gradient of each trained parameter by name, scaled where it was asked
   * for, and added to the sum that is fed as `sumInput(name)`.
   */
  readonly gradients: Readonly<Record<string, Value>>;
  /** Fills every input except parameters and sums of gradients. */
  feeds(batch: MicroBatch): Record<string, HostTensor>;
}

/**
 * Builds the graph of a loss under a policy. The gradient is that of
 * Σ w·loss / Σ w, the latter over the *optimizer* batch, so that micro-batches
 * add up to it exactly.
 *
 * @throws RangeError where the graph has an input that nothing feeds, or
 * declares one that it does not read.
 */
export function buildObjective(
  policy: Policy,
  loss: Loss,
  {
    lossOptions,
    chunks,
    attentionCuts = 0,
    isScaled = false,
    recomputedLayers = 0,
    graph = new Graph(),
  }: ObjectiveOptions,
): Objective {
  const stream = streamInputs(graph, attentionCuts);
  const parameters = policy.parameters(graph);
  const trained = policy.trained.map(({ name }) =>
    graph.inputs.find((input) => input.name === name)!
  );
  const requirements = lossRequirements(loss, lossOptions);
  const { logProbs: tokenLogProbs, collisions } = targetLogProbs(
    policy.config,
    parameters,
    { inputs: stream, chunks, collisions: requirements.collisions },
  );
  const logProbs = sequenceSums(tokenLogProbs, stream);
  const inputs = lossInputs(graph, loss, {
    logProbs,
    tokenLogProbs,
    get collisions() {
      return collisions!;
    },
  });
  const { loss: each, metrics = {} } = lossTerms(loss, lossOptions, inputs);
  const batch = inputValues(graph, INPUTS);
  const { examples, exampleWeights } = batch;
  const total = div(sum(mul(exampleWeights, each)), examples);
  const scaled = isScaled ? mul(total, batch.lossScale) : total;
  const sums = policy.trained.map(({ name, shape }) =>
    graph.input(sumInput(name), shape)
  );
  const gradients = gradient(scaled, [...trained, tokenLogProbs], {
    into: sums,
    recomputedLayers,
  });
  const slopes = mul(sequenceSums(gradients.at(-1)!, stream), examples);
  const logProbGradients = isScaled ? div(slopes, batch.lossScale) : slopes;
  const table = batchInputs(loss, attentionCuts);
  const fed = [...trained, ...sums].map(({ name }) => name);
  checkInputs(graph, INPUTS, [...Object.keys(table), ...fed]);
  return {
    requirements,
    chunks,
    attentionCuts,
    logProbs,
    loss: each,
    metrics,
    logProbGradients,
    gradients: Object.fromEntries(
      trained.map(({ name }, i) => [name, gradients[i]!]),
    ),
    feeds: (batch) => fillInputs(table, batch, graph),
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

/** Outputs of a training step: those, and gradients. */
export function gradientOutputs(objective: Objective): Record<string, Value> {
  const { logProbGradients, gradients } = objective;
  return { ...forwardOutputs(objective), logProbGradients, ...gradients };
}

/** Name of a loss's part among the outputs, `undefined` for other outputs. */
export function metricName(output: string): string | undefined {
  return output.startsWith(METRIC) ? output.slice(METRIC.length) : undefined;
}
