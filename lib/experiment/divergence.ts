import { treeBatch } from "../data/tree_batch.ts";
import type { TokenRow } from "../data/example.ts";
import { microBatches } from "../data/sampler.ts";
import { parameterNames } from "../models/parameters.ts";
import { nextLogits } from "../models/decoder/decoder.ts";
import type { Parameters } from "../models/decoder/layers.ts";
import type { Policy } from "../models/policy.ts";
import { Graph } from "../onnx/graph/graph.ts";
import type { Device } from "../onnx/providers.ts";
import { compile } from "../onnx/session.ts";
import { hostData, type Tensors } from "../onnx/tensors.ts";
import { exp, mul, sub } from "../ops/elementwise.ts";
import { gemm } from "../ops/linalg.ts";
import { logSoftmax } from "../ops/norm.ts";
import { sum } from "../ops/shaping.ts";
import { streamFeeds, streamInputs } from "../train/feeds.ts";

/** Computes how far a policy is from π_ref on given completions. */
export interface Divergence {
  /**
   * KL(π‖π_ref) = Σ π (log π − log π_ref) of the next-token distributions
   * before each token of each completion of each row, in nats.
   */
  tokenKl(
    rows: readonly TokenRow[],
    parameters: Tensors,
  ): Promise<number[][][]>;
  release(): Promise<void>;
}

/** Slots (rows × longest row) that are in memory at once. */
const MICRO_TOKENS = 2048;

/** Compiles two forward passes side by side; π_ref is a constant of the graph. */
export async function createDivergence(
  policy: Policy,
  { reference, device }: { reference: Policy["initial"]; device: Device },
): Promise<Divergence> {
  const { config } = policy;
  const graph = new Graph();
  const inputs = streamInputs(graph);
  const [p, q] = [
    policy.parameters(graph),
    constantParameters(graph, policy, reference),
  ].map((model) => logSoftmax(nextLogits(config, model, inputs)));
  const tokenKl = sum(mul(exp(p!), sub(p!, q!)), [-1]);
  const program = await compile({ tokenKl }, { device });
  return {
    tokenKl: async (rows, parameters) => {
      const result: number[][][] = [];
      for (const [start, end] of microBatches(rows, MICRO_TOKENS)) {
        const part = rows.slice(start, end);
        const feeds = streamFeeds(treeBatch(part));
        const output = await program.run({ ...feeds, ...parameters });
        const flat = Array.from(hostData(output["tokenKl"]));
        for (const { completions } of part) {
          result.push(completions.map(({ length }) => flat.splice(0, length)));
        }
      }
      return result;
    },
    release: () => program.release(),
  };
}

function constantParameters(
  graph: Graph,
  { config }: Policy,
  weights: Policy["initial"],
): Parameters {
  const values = new Map(
    parameterNames(config).map(({ name, shape }) =>
      [name, graph.constant(weights.get(name)!, shape)] as const
    ),
  );
  const value = (name: string) => values.get(name)!;
  return {
    value,
    linear: (x, name) => gemm(x, value(name), { transB: true }),
    isTrained: () => false,
  };
}
