import type { Example } from "./data/example.ts";
import type { Row } from "./data/tree_batch.ts";
import type { Loss } from "./losses/loss.ts";
import { mean } from "./metrics.ts";
import { metricName } from "./objective.ts";
import { hostData, type HostTensor, type Tensor } from "./onnx/session.ts";

type Feeds = Record<string, HostTensor>;

/**
 * The row of an example that a loss looks at.
 *
 * @throws RangeError for an example of more or fewer completions than that.
 */
export function rowOf(
  { prompt, completions }: Example,
  { id, data }: Loss,
): Row {
  const used = data === "completions" ? completions.slice(0, 1) : completions;
  const wanted = data === "pairs" ? 2 : 1;
  if (used.length === wanted) return { prompt, completions: used };
  throw new RangeError(
    `Cannot use an example of ${completions.length} completions for loss "${id}": expected ${wanted}`,
  );
}

/** Counts over an optimizer batch that losses divide by. */
export function totalFeeds(rows: readonly Row[]): Feeds {
  const total = (count: (row: Row) => number) =>
    rows.reduce((sum, row) => sum + count(row), 0);
  return scalarFeeds({
    examples: rows.length,
    completionTokens: total(({ completions }) => completions[0]!.length),
    promptTokens: total(({ prompt }) => prompt.length - 1),
  });
}

export function scalarFeeds(
  numbers: Readonly<Record<string, unknown>>,
  rename: (name: string) => string = (name) => name,
): Feeds {
  return Object.fromEntries(
    Object.entries(numbers).flatMap(([name, number]) =>
      typeof number === "number"
        ? [[rename(name), { data: Float32Array.of(number), shape: [] }]]
        : []
    ),
  );
}

/** Which sequences of a tree batch are an example's completions and prompt. */
export function exampleFeeds(
  rows: readonly Row[],
  examples: readonly Example[],
): Feeds {
  const starts: number[] = [];
  let next = 0;
  for (const { completions } of rows) {
    starts.push(next);
    next += completions.length;
  }
  return {
    first: integers(starts),
    second: integers(starts.map((start) => start + 1)),
    prompts: integers(rows.map((_, i) => next + i)),
    desirable: floats(examples.map(({ label }) => Number(label ?? true))),
  };
}

/** Lengths and reference log-probabilities, with one more for the padding. */
export function sequenceFeeds(
  lengths: readonly number[],
  references: readonly number[],
): Feeds {
  const rest = new Array(lengths.length + 1 - references.length).fill(0);
  return {
    lengths: floats([...lengths, 0]),
    reference: floats([...references, ...rest]),
  };
}

/** What the micro-batches of an optimizer batch gave, put together. */
export class Collected {
  readonly losses: number[] = [];
  readonly logProbs: number[][] = [];
  tokens = 0;
  readonly #metrics = new Map<string, number[]>();

  add(
    rows: readonly Row[],
    output: Readonly<Record<string, Tensor>>,
    tokens: number,
  ): void {
    const flat = Array.from(hostData(output["logProbs"]));
    this.losses.push(...hostData(output["loss"]));
    for (const { completions } of rows) {
      this.logProbs.push(flat.splice(0, completions.length));
    }
    for (const [name, tensor] of Object.entries(output)) {
      const metric = metricName(name);
      if (!metric) continue;
      const values = this.#metrics.get(metric) ?? [];
      this.#metrics.set(metric, [...values, ...hostData(tensor)]);
    }
    this.tokens += tokens;
  }

  metricMeans(): Record<string, number> {
    return Object.fromEntries(
      this.#metrics.entries().map(([name, values]) => [name, mean(values)]),
    );
  }
}

function integers(list: readonly number[]): HostTensor {
  return { data: Int32Array.from(list), shape: [list.length] };
}

function floats(list: readonly number[]): HostTensor {
  return { data: Float32Array.from(list), shape: [list.length] };
}
