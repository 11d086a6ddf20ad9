import { Graph, type Value } from "./onnx/graph.ts";
import { gradient } from "./grad.ts";
import { sequenceLogProbs, streamInputs } from "./models/decoder.ts";
import type { Policy } from "./models/policy.ts";
import { div } from "./ops/elementwise.ts";
import { gather } from "./ops/indexing.ts";
import { sum } from "./ops/shaping.ts";
import type {
  CompletionBatch,
  LabelBatch,
  Loss,
  LossTerms,
  PairBatch,
  Sequences,
  Settings,
  Terms,
} from "./losses/loss.ts";

/** Names under which parts of the graph are fed; parameters have their own. */
export const optionInput = (name: string) => `option.${name}`;
export const statisticInput = (name: string) => `statistic.${name}`;
export const sumInput = (parameter: string) => `sum.${parameter}`;
const METRIC = "metric.";

export interface ObjectiveOptions {
  /** Its choices are compiled in; its numbers are inputs. */
  settings: Settings;
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
   * For each trained parameter by name, its gradient added to what is fed as
   * `sumInput(name)`.
   */
  readonly gradients: Readonly<Record<string, Value>>;
}

/**
 * The graph of a loss under a policy. The gradient is that of
 * Σ loss / examples, with the examples of the *optimizer* batch counted, so
 * that micro-batches add up to it exactly.
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
  const logProbs = sequenceLogProbs(policy.config, parameters, inputs, {
    chunks,
  });
  const batch = new BatchInputs(graph, logProbs);
  const { loss: each, metrics = {} } = lossTerms(loss, settings, batch);
  const total = div(sum(each), batch.totals.examples);
  const sums = policy.trained.map(({ name, shape }) =>
    graph.input(sumInput(name), shape)
  );
  const gradients = gradient(total, trained, { into: sums });
  return {
    chunks,
    logProbs,
    loss: each,
    metrics,
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

function lossTerms(
  loss: Loss,
  settings: Settings,
  batch: BatchInputs,
): LossTerms {
  const options = batch.options(loss, settings);
  if (loss.data === "pairs") return loss.terms(batch.pairs(), options);
  if (loss.data === "labels") {
    return loss.terms(batch.labels(loss.statistics.names), options);
  }
  return loss.terms(batch.completions(), options);
}

/** What the loss of a micro-batch reads, declared as inputs of the graph. */
class BatchInputs {
  readonly #graph: Graph;
  readonly #logProbs: Value;
  readonly #reference: Value;
  readonly #lengths: Value;
  readonly totals;

  constructor(graph: Graph, logProbs: Value) {
    this.#graph = graph;
    this.#logProbs = logProbs;
    this.#reference = graph.input("reference", ["Q"]);
    this.#lengths = graph.input("lengths", ["Q"]);
    this.totals = {
      examples: graph.input("examples", []),
      completionTokens: graph.input("completionTokens", []),
      promptTokens: graph.input("promptTokens", []),
    };
  }

  completions(): CompletionBatch {
    return {
      completion: this.#sequences("first"),
      prompt: this.#sequences("prompts"),
      totals: this.totals,
    };
  }

  pairs(): PairBatch {
    return {
      chosen: this.#sequences("first"),
      rejected: this.#sequences("second"),
      prompt: this.#sequences("prompts"),
      totals: this.totals,
    };
  }

  labels(statistics: readonly string[]): LabelBatch {
    const scalars = statistics.map((name) =>
      [name, this.#graph.input(statisticInput(name), [])] as const
    );
    return {
      completion: this.#sequences("first"),
      desirable: this.#graph.input("desirable", ["n"]),
      statistics: Object.fromEntries(scalars),
    };
  }

  options({ options }: Pick<Loss, "options">, settings: Settings): Terms {
    return Object.fromEntries(
      Object.keys(options).map((name) => {
        const setting = settings[name]!;
        const isNumber = typeof setting === "number";
        return [
          name,
          isNumber ? this.#graph.input(optionInput(name), []) : setting,
        ];
      }),
    );
  }

  /** The sequences whose numbers are fed as `index`, `[n]`. */
  #sequences(index: "first" | "second" | "prompts"): Sequences {
    const numbers = this.#graph.input(index, ["n"], "int32");
    return {
      logProb: gather(this.#logProbs, numbers),
      refLogProb: gather(this.#reference, numbers),
      length: gather(this.#lengths, numbers),
    };
  }
}
