import { type Example, lossLengths, type TokenRow } from "../data/example.ts";
import type { TreeBatch } from "../data/tree_batch.ts";
import { statisticInput } from "../losses/batch_inputs.ts";
import type { Loss, Reduced } from "../losses/loss.ts";
import type { HostTensor } from "../onnx/session.ts";
import type { Reference } from "./reference.ts";

type Feeds = Record<string, HostTensor>;

/** Completions that a loss looks at: fewest, most, in words. */
const COMPLETIONS: Record<Loss["data"], [number, number, string]> = {
  completions: [1, 1, "1"],
  pairs: [2, 2, "2"],
  labels: [1, 1, "1"],
  ranks: [2, Infinity, "at least 2"],
};

/**
 * The row of an example that a loss looks at.
 *
 * @throws RangeError for an example of more or fewer completions than that.
 */
export function rowOf(
  { prompt, completions, lossMask }: Example,
  { id, data }: Loss,
): TokenRow {
  const end = data === "completions" ? 1 : undefined;
  const used = completions.slice(0, end);
  const [fewest, most, wanted] = COMPLETIONS[data];
  if (used.length >= fewest && used.length <= most) {
    const marks = lossMask && { lossMask: lossMask.slice(0, end) };
    return { prompt, completions: used, ...marks };
  }
  throw new RangeError(
    `Cannot use an example of ${completions.length} completions for loss "${id}": expected ${wanted}`,
  );
}

/**
 * What the loss of each example of an optimizer batch is multiplied by.
 *
 * @throws RangeError where they have no weighted mean.
 */
export function weightsOf(
  examples: readonly Pick<Example, "weight">[],
): number[] {
  const weights = examples.map(({ weight = 1 }) => weight);
  const wrong = weights.findIndex((w) => !(w >= 0 && w < Infinity));
  if (wrong !== -1) {
    throw new RangeError(
      `Cannot weigh example ${wrong} of a batch by ${
        weights[wrong]
      }: expected a finite number of at least 0`,
    );
  }
  if (weights.some((weight) => weight > 0)) return weights;
  throw new RangeError(
    `Cannot average over a batch of ${weights.length} examples whose weights are all 0`,
  );
}

/** Counts over an optimizer batch that losses divide by, weighted. */
export function totalFeeds(examples: readonly Example[]): Feeds {
  const weights = weightsOf(examples);
  const total = (count: (example: Example) => number) =>
    examples.reduce((sum, each, i) => sum + weights[i]! * count(each), 0);
  return scalarFeeds({
    examples: total(() => 1),
    completionTokens: total((example) =>
      example.label === false ? 0 : lossLengths(example)[0]!
    ),
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

/** Statistics of an optimizer batch, of lists what its `range` is due. */
export function statisticFeeds(
  inputs: Reduced["inputs"],
  range: readonly [start: number, end: number],
): Feeds {
  const lists = Object.entries(inputs).flatMap(([name, value]) =>
    typeof value === "number"
      ? []
      : [[statisticInput(name), floats(value.slice(...range))]]
  );
  return {
    ...scalarFeeds(inputs, statisticInput),
    ...Object.fromEntries(lists),
  };
}

/** Which sequences of a tree batch are an example's completions and prompt. */
export function exampleFeeds(
  rows: readonly TokenRow[],
  examples: readonly Pick<Example, "label" | "weight">[],
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
    weight: floats(examples.map(({ weight = 1 }) => weight)),
    ...rankFeeds(rows, starts),
  };
}

/** The same as a table of ranks; where a list ends, the first fills it up. */
function rankFeeds(
  rows: readonly TokenRow[],
  starts: readonly number[],
): Feeds {
  const sizes = rows.map(({ completions }) => completions.length);
  const longest = Math.max(...sizes);
  const ranks = Array.from({ length: longest }, (_, k) => k);
  const shape = [rows.length, longest];
  const table = (cell: (row: number, rank: number) => number) =>
    rows.flatMap((_, row) => ranks.map((rank) => cell(row, rank)));
  const isLive = (row: number, rank: number) => rank < sizes[row]!;
  const ranked = table((row, rank) =>
    starts[row]! + (isLive(row, rank) ? rank : 0)
  );
  const live = table((row, rank) => Number(isLive(row, rank)));
  return {
    ranked: { data: Int32Array.from(ranked), shape },
    rankLive: { data: Float32Array.from(live), shape },
    rank: floats(ranks),
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

/** Where each scored token stands among them, and its log-probability under the reference. */
export function tokenFeeds(
  { feeds }: Pick<TreeBatch, "feeds">,
  rows: readonly TokenRow[],
  reference: Reference | null,
): Feeds {
  const sequences = [...feeds.sequences.data];
  const owners = rows.flatMap(({ completions }, i) => completions.map(() => i));
  owners.push(...rows.keys());
  const places = new Map<number, number>();
  const positions = sequences.map((sequence) => {
    const place = places.get(sequence) ?? 0;
    places.set(sequence, place + 1);
    return place;
  });
  const references = rows.flatMap((row) =>
    reference?.tokenLogProbs(row).flat() ?? []
  );
  return {
    tokenPosition: floats(positions),
    tokenExample: integers(sequences.map((sequence) => owners[sequence] ?? 0)),
    tokenReference: floats(sequences.map((_, i) => references[i] ?? 0)),
  };
}

function integers(list: readonly number[]): HostTensor {
  return { data: Int32Array.from(list), shape: [list.length] };
}

function floats(list: readonly number[]): HostTensor {
  return { data: Float32Array.from(list), shape: [list.length] };
}
