import { type Float, Graph, type Value } from "lib/onnx/graph.ts";
import { compile, hostData, type HostTensor } from "lib/onnx/session.ts";
import { gradient } from "lib/grad.ts";
import {
  type Loss,
  type LossTerms,
  resolveSettings,
  type Setting,
  type Totals,
} from "lib/losses/loss.ts";
import { sum } from "lib/ops/shaping.ts";

type List = readonly number[];

/**
 * What a loss reads of n examples; single completions are the chosen ones. A
 * number stands for a list of it.
 */
export interface Batch {
  readonly chosen: List;
  /** @default as `chosen` */
  readonly rejected?: List | number;
  /** @default 0 */
  readonly refChosen?: List | number;
  /** @default 0 */
  readonly refRejected?: List | number;
  /** @default 1 */
  readonly chosenLength?: List | number;
  /** @default 1 */
  readonly rejectedLength?: List | number;
  /** @default 0 */
  readonly prompt?: List | number;
  /** @default 0 */
  readonly promptLength?: List | number;
  /** @default 1 */
  readonly desirable?: List | number;
  /** Counts over the optimizer batch. @default those of this one */
  readonly totals?: Partial<Record<keyof Totals, number>>;
  /** Value of every statistic of the loss. @default 0 */
  readonly statistic?: number;
}

export interface LossGraphOptions {
  readonly settings?: Readonly<Record<string, Setting>>;
  readonly float?: Float;
}

/** A loss over vectors of log-probabilities, with what its graph is fed. */
export interface LossGraph extends LossTerms {
  /** The policy's log-probabilities that the loss is to depend on. */
  readonly policy: readonly Value[];
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

export function lossGraph(
  loss: Loss,
  batch: Batch,
  { settings = {}, float = "float32" }: LossGraphOptions = {},
): LossGraph {
  const inputs = new FedInputs(float, batch.chosen.length);
  const resolved = resolveSettings(loss, settings);
  const options = Object.fromEntries(
    Object.entries(resolved).map(([name, x]) => [
      name,
      typeof x === "number" ? inputs.scalar(`option.${name}`, x) : x,
    ]),
  );
  const parts = lossBatch(batch, inputs);
  const policy = [parts.chosen.logProb];
  if (loss.data === "pairs") policy.push(parts.rejected.logProb);
  if (loss.scoresPrompts?.(resolved)) policy.push(parts.prompt.logProb);
  const terms = () => {
    if (loss.data === "pairs") return loss.terms(parts, options);
    if (loss.data === "completions") return loss.terms(parts, options);
    const statistics = Object.fromEntries(
      loss.statistics.names.map((name) => [
        name,
        inputs.scalar(`statistic.${name}`, batch.statistic ?? 0),
      ]),
    );
    return loss.terms({ ...parts, statistics }, options);
  };
  return { ...terms(), policy, feeds: inputs.feeds };
}

/** Inputs of a graph, declared together with what they are fed. */
class FedInputs {
  readonly feeds: Record<string, HostTensor> = {};
  readonly #graph: Graph;
  readonly #examples: number;

  constructor(float: Float, examples: number) {
    this.#graph = new Graph({ float });
    this.#examples = examples;
  }

  vector(name: string, list: List | number): Value {
    const data = typeof list === "number"
      ? Array<number>(this.#examples).fill(list)
      : list;
    this.#feed(name, data, [this.#examples]);
    return this.#graph.input(name, ["n"]);
  }

  scalar(name: string, x: number): Value {
    this.#feed(name, [x], []);
    return this.#graph.input(name, []);
  }

  #feed(name: string, list: List, shape: number[]): void {
    const ListType = this.#graph.float === "float64"
      ? Float64Array
      : Float32Array;
    this.feeds[name] = { data: ListType.from(list), shape };
  }
}

function lossBatch(batch: Batch, inputs: FedInputs) {
  const { chosen: all, rejected = all, refChosen = 0, refRejected = 0 } = batch;
  const { chosenLength = 1, rejectedLength = 1 } = batch;
  const { prompt = 0, promptLength = 0, desirable = 1 } = batch;
  const sequences = (
    name: string,
    [logProb, reference, length]: readonly (List | number)[],
  ) => ({
    logProb: inputs.vector(name, logProb!),
    refLogProb: inputs.vector(`${name}.reference`, reference!),
    length: inputs.vector(`${name}.length`, length!),
  });
  const chosen = sequences("chosen", [all, refChosen, chosenLength]);
  const counts = {
    examples: all.length,
    completionTokens: total(chosenLength, all.length),
    promptTokens: total(promptLength, all.length),
    ...batch.totals,
  };
  return {
    chosen,
    completion: chosen,
    rejected: sequences("rejected", [rejected, refRejected, rejectedLength]),
    prompt: sequences("prompt", [prompt, 0, promptLength]),
    desirable: inputs.vector("desirable", desirable),
    totals: {
      examples: inputs.scalar("examples", counts.examples),
      completionTokens: inputs.scalar(
        "completionTokens",
        counts.completionTokens,
      ),
      promptTokens: inputs.scalar("promptTokens", counts.promptTokens),
    },
  };
}

function total(lengths: List | number, examples: number): number {
  return typeof lengths === "number"
    ? lengths * examples
    : lengths.reduce((a, b) => a + b, 0);
}

export interface LossRun {
  /** The loss of each example. */
  readonly loss: number[];
  /** Its parts of each example. */
  readonly metrics: Readonly<Record<string, number[]>>;
  /** Of the sum of the losses, by log-probabilities: `chosen`, `rejected`, … */
  readonly gradients: Readonly<Record<string, number[]>>;
}

/** Values and gradients of a loss on one batch. */
export async function runLoss(
  loss: Loss,
  batch: Batch,
  options: LossGraphOptions = {},
): Promise<LossRun> {
  const { policy, feeds, metrics = {}, ...built } = lossGraph(
    loss,
    batch,
    options,
  );
  const gradients = gradient(sum(built.loss), policy);
  const outputs = {
    loss: built.loss,
    ...Object.fromEntries(
      policy.map(({ name }, i) => [`gradient ${name}`, gradients[i]!]),
    ),
    ...metrics,
  };
  const program = await compile(outputs);
  const results = await program.run(feeds);
  await program.release();
  const read = (name: string) => [...hostData(results[name])];
  return {
    loss: read("loss"),
    metrics: Object.fromEntries(
      Object.keys(metrics).map((name) => [name, read(name)]),
    ),
    gradients: Object.fromEntries(
      policy.map(({ name }) => [name, read(`gradient ${name}`)]),
    ),
  };
}
