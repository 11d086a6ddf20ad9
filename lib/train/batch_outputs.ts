import { lossLengths, type TokenRow } from "../data/example.ts";
import { hostData, type Tensor } from "../onnx/session.ts";
import { mean } from "./metrics.ts";
import { metricName } from "./objective.ts";

/** The outputs of micro-batches, of one batch or of a whole set, put together. */
export class BatchOutputs {
  /** Tokens that went through the model. */
  tokens = 0;
  readonly losses: number[] = [];
  /** log π of each row's completions. */
  readonly logProbs: number[][] = [];
  /**
   * The derivative of the loss, times its example's weight, by the
   * log-probability of each of them: its size, as a mean over the scored tokens.
   * Empty without gradients.
   */
  readonly logProbGradients: number[][] = [];
  readonly #metrics = new Map<string, number[]>();

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
      const values = this.#metrics.get(metric) ?? [];
      this.#metrics.set(metric, [...values, ...hostData(tensor)]);
    }
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
      this.#metrics.entries().map(([name, values]) =>
        [name, mean(values, exampleWeights)] as const
      ),
    );
  }
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
