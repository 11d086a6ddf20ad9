import { lossLengths, type TokenRow } from "../data/example.ts";
import { inOrder, type Shares } from "../distributed/shares.ts";
import { hostData, type Tensor } from "../onnx/tensors.ts";
import { mean } from "./metrics.ts";
import { metricName } from "./objective.ts";

/** Outputs of examples, each list with one entry an example. */
export interface ExampleOutputs {
  /** Tokens that went through the model. */
  readonly tokens: number;
  readonly losses: readonly number[];
  /** log π of each row's completions. */
  readonly logProbs: readonly (readonly number[])[];
  /**
   * The derivative of the loss, times its example's weight, by the
   * log-probability of each of them: its size, as a mean over the scored tokens.
   * Empty without gradients.
   */
  readonly logProbGradients: readonly (readonly number[])[];
  /** The loss's own parts, by name. */
  readonly metrics: ReadonlyMap<string, readonly number[]>;
}

/** The outputs of micro-batches, of one batch or of a whole set, put together. */
export class BatchOutputs implements ExampleOutputs {
  tokens = 0;
  readonly losses: number[] = [];
  readonly logProbs: (readonly number[])[] = [];
  readonly logProbGradients: (readonly number[])[] = [];
  readonly metrics = new Map<string, number[]>();

  add(
    rows: readonly TokenRow[],
    output: Readonly<Record<string, Tensor>>,
  ): void {
    this.losses.push(...hostData(output["loss"]));
    this.logProbs.push(...byRow(rows, output["logProbs"]));
    if (output["logProbGradients"]) {
      const gradients = byRow(rows, output["logProbGradients"]);
      this.logProbGradients.push(
        ...gradients.map((list, i) => perToken(list, rows[i]!)),
      );
    }
    for (const [name, tensor] of Object.entries(output)) {
      const metric = metricName(name);
      if (!metric) continue;
      this.#addMetric(metric, hostData(tensor));
    }
  }

  /** Adds what each rank computed of its share of the next examples. */
  addShares(shares: Shares, outputs: readonly ExampleOutputs[]): void {
    const whole = <T>(listOf: (each: ExampleOutputs) => readonly T[]) =>
      inOrder(shares, outputs.map(listOf));
    for (const { tokens } of outputs) this.tokens += tokens;
    append(this.losses, whole(({ losses }) => losses));
    append(this.logProbs, whole(({ logProbs }) => logProbs));
    append(
      this.logProbGradients,
      whole(({ logProbGradients }) => logProbGradients),
    );
    // A rank without an example has none of them.
    for (const name of new Set(outputs.flatMap(metricNames))) {
      this.#addMetric(name, whole(({ metrics }) => metrics.get(name) ?? []));
    }
  }

  #addMetric(name: string, values: Iterable<number>): void {
    this.metrics.set(name, [...this.metrics.get(name) ?? [], ...values]);
  }

  /** The size of each of the gradients, without its example's own weight. */
  gradientSizes(exampleWeights: readonly number[]): number[][] {
    return this.logProbGradients.map((list, i) =>
      list.map((x) => x / (exampleWeights[i]! || 1))
    );
  }

  /** @param exampleWeights @default 1 each */
  metricMeans(exampleWeights?: readonly number[]): Record<string, number> {
    return Object.fromEntries(
      this.metrics.entries().map(([name, values]) =>
        [name, mean(values, exampleWeights)] as const
      ),
    );
  }
}

/** Sets may be too long for the arguments of `push`. */
function append<T>(list: T[], values: readonly T[]): void {
  for (const value of values) list.push(value);
}

function metricNames({ metrics }: ExampleOutputs): string[] {
  return [...metrics.keys()];
}

function perToken(gradients: readonly number[], row: TokenRow): number[] {
  const lengths = lossLengths(row);
  // An empty completion has no token that could change.
  return gradients.map((x, k) => Math.abs(x) / (lengths[k]! || 1));
}

/** A number of each completion, by rows; what follows them is left. */
function byRow(
  rows: readonly TokenRow[],
  tensor: Tensor | undefined,
): number[][] {
  const flat = Array.from(hostData(tensor));
  return rows.map(({ completions }) => flat.splice(0, completions.length));
}
