import { gradient } from "../grad.ts";
import {
  type GivenExample,
  lossGraph,
  type LossGraphOptions,
} from "./evaluate.ts";
import type { Loss } from "../losses/loss.ts";
import type { LossOption, LossOptionValue } from "../losses/options.ts";
import type { Graph, Value } from "../onnx/graph/graph.ts";
import { compile } from "../onnx/session.ts";
import {
  hostData,
  type HostTensor,
  type Tensor,
  type Tensors,
} from "../onnx/tensors.ts";
import { Detach } from "../ops/elementwise.ts";
import { sum } from "../ops/shaping.ts";
import { Rng } from "../rng.ts";

/** Settings of a loss by name; the others have their defaults. */
export type Given = Readonly<Record<string, LossOptionValue>>;

/** Step of the differences, and how far they may be from the gradient. */
const STEP = 1e-6;
const TOLERANCE = 1e-7;

/**
 * Checks a loss under every combination of its choices and toggles: that it
 * gives one number an example, and that its gradient is the slope that finite
 * differences find, in float64, at random log-probabilities.
 *
 * @throws Error that names the options, and the actual and expected values.
 */
export async function checkLoss(loss: Loss): Promise<void> {
  const examples = randomExamples(loss);
  for (const lossOptions of variants(loss)) {
    await checkGradient(loss, examples, {
      lossOptions,
      deviation: (i) => Math.sin(i) / 10,
    });
  }
}

/**
 * Compares the gradient of a loss with central finite differences in float64,
 * for which everything behind `detach()` is a constant.
 *
 * @throws Error that names the log-probability where they differ.
 */
export async function checkGradient(
  loss: Loss,
  examples: readonly GivenExample[],
  options: Omit<LossGraphOptions, "float">,
): Promise<void> {
  const built = lossGraph(loss, examples, { ...options, float: "float64" });
  const { loss: each, logProbs, feeds } = built;
  const what = `loss "${loss.id}" under ${JSON.stringify(options.lossOptions)}`;
  const [slope] = gradient(sum(each), [logProbs]);
  const found = (await run({ slope: slope! }, feeds))["slope"]!;
  const constants = await detachedValues(logProbs.graph, feeds);
  const program = await compile({ each });
  try {
    const { data, shape } = feeds[logProbs.name]!;
    const at = async (i: number, by: number) => {
      const moved = Float64Array.from(data, (x, k) => k === i ? x + by : x);
      const fed = {
        ...feeds,
        ...constants,
        [logProbs.name]: { data: moved, shape },
      };
      return Array.from(hostData((await program.run(fed))["each"]));
    };
    const { length } = await at(0, 0);
    if (length !== examples.length) {
      throw new Error(
        `The ${what} gives ${length} numbers for ${examples.length} examples, expected one for each`,
      );
    }
    for (const i of data.keys()) {
      const expected = (total(await at(i, STEP)) - total(await at(i, -STEP))) /
        (2 * STEP);
      const error = Math.abs(found.data[i]! - expected);
      // No comparison with NaN is true.
      if (error <= TOLERANCE * (1 + Math.abs(expected))) continue;
      throw new Error(
        `The gradient of ${what} is ${found.data[i]} where log π is ${
          data[i]
        }, but finite differences give ${expected}`,
      );
    }
  } finally {
    await program.release();
  }
}

/**
 * Makes inputs of what comes out of `detach()` in a graph, so that it is as
 * constant to finite differences as it is to the gradient.
 *
 * @returns what these inputs have to be fed: their values as things stand.
 */
export async function detachedValues(
  graph: Graph,
  feeds: Tensors,
): Promise<Record<string, HostTensor>> {
  const detached = graph.nodes.filter(({ op }) => op === Detach);
  if (detached.length === 0) return {};
  const values = await run(
    Object.fromEntries(
      detached.map(({ inputs, outputs }) => [outputs[0]!.name, inputs[0]!]),
    ),
    feeds,
  );
  for (const node of detached) {
    graph.nodes.splice(graph.nodes.indexOf(node), 1);
    graph.inputs.push(node.outputs[0]!);
  }
  return values;
}

async function run(
  outputs: Readonly<Record<string, Value>>,
  feeds: Tensors,
): Promise<Record<string, HostTensor>> {
  const program = await compile(outputs);
  const results = await program.run(feeds);
  await program.release();
  return Object.fromEntries(
    Object.keys(outputs).map((name) => [name, inHost(results[name]!)]),
  );
}

function inHost(tensor: Tensor): HostTensor {
  if ("data" in tensor) return tensor;
  throw new TypeError("Cannot check a loss: a tensor is not in host memory");
}

/** Every combination of choices and toggles, with numbers inside of their bounds. */
export function variants({ options }: Pick<Loss, "options">): Given[] {
  return Object.entries(options).reduce<Given[]>(
    (all, [name, option], i) =>
      all.flatMap((given) =>
        valuesOf(option, i).map((value) => ({ ...given, [name]: value }))
      ),
    [{}],
  );
}

/** Every variant, or one number that no other option has. */
function valuesOf(option: LossOption, i: number): readonly LossOptionValue[] {
  if (option.kind === "choice") return option.choices;
  if (option.kind === "toggle") return [false, true];
  const low = option.min ?? option.above ?? 0;
  const high = option.max ?? option.below ?? low + 4;
  return [low + (high - low) * 0.3 / (i + 1)];
}

function randomExamples({ data }: Pick<Loss, "data">): GivenExample[] {
  const rng = new Rng("check");
  const logProb = () => -12 * rng.uniform();
  const completion = () => ({
    logProb: logProb(),
    refLogProb: logProb(),
    length: 1 + rng.integer(8),
  });
  const counts = { completions: 1, labels: 1, pairs: 2, ranks: 3 };
  return Array.from({ length: 6 }, (_, i) => ({
    completions: Array.from({ length: counts[data] }, completion),
    prompt: { logProb: logProb(), length: 1 + rng.integer(8) },
    label: i % 3 > 0,
  }));
}

const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
