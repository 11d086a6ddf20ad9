import type { Graph, Node, Value, Values } from "./onnx/graph/graph.ts";
import { add, zerosLike } from "./ops/elementwise.ts";
import { sumTo } from "./ops/shaping.ts";

/** Options of {@linkcode gradient}. */
export interface GradientOptions {
  /**
   * A value per target that its gradient is added to: accumulation over
   * micro-batches. None by default.
   */
  into?: readonly Value[];
  /**
   * Layers, the first of those that the graph marks, whose values are computed
   * again in the backward pass rather than kept: the same gradients in less
   * memory and more time. @default 0
   */
  recomputedLayers?: number;
}

/**
 * Appends to a graph the nodes that compute the gradient of `loss` with
 * respect to each target, by reverse-mode accumulation.
 *
 * @example The slope of x³ at 2
 * ```ts
 * import { compile, Graph, gradient, hostData, mul } from "@prefgrad/prefgrad/graph";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const x = new Graph().input("x", []);
 * const [slope] = gradient(mul(x, mul(x, x)), [x]);
 *
 * const program = await compile({ slope: slope! });
 * const two = { data: Float32Array.of(2), shape: [] };
 * const results = await program.run({ x: two });
 * deepStrictEqual(hostData(results["slope"]), Float32Array.of(12));
 * await program.release();
 * ```
 *
 * @param loss a scalar value.
 * @param targets values of the same graph, mostly its parameters.
 * @returns one gradient per target, of the target's shape.
 * @throws RangeError if the loss is no scalar or does not depend on a target.
 * @throws TypeError if an operator between them is not differentiable.
 */
export function gradient(
  loss: Value,
  targets: readonly Value[],
  { into = [], recomputedLayers = 0 }: GradientOptions = {},
): Value[] {
  if (loss.shape.length > 0) {
    throw new RangeError(
      `Cannot differentiate "${loss.name}" of shape [${loss.shape}]: expected a scalar`,
    );
  }
  const { graph } = loss;
  const path = dependents(graph, targets);
  const sums = new Map(into.map((sum, i) => [targets[i]!, sum]));
  const reached = new Set<Value>([loss]);
  sums.set(loss, graph.scalar(1));
  const recomputation = new Recomputation(graph, recomputedLayers);
  for (const node of graph.nodes.toReversed()) {
    const onPath = node.outputs.some((output) =>
      reached.has(output) && path.has(output)
    );
    if (onPath) walk(node, { path, sums, reached, recomputation });
  }
  return targets.map((target) => {
    if (reached.has(target)) return sums.get(target)!;
    throw new RangeError(
      `Cannot differentiate "${loss.name}": it does not depend on "${target.name}"`,
    );
  });
}

interface Walk {
  /** Values that depend on a target: only to them do cotangents flow. */
  readonly path: ReadonlySet<Value>;
  /** Sum of the cotangents so far. */
  readonly sums: Map<Value, Value>;
  /** Values a cotangent has reached. */
  readonly reached: Set<Value>;
  readonly recomputation: Recomputation;
}

function walk(
  node: Node,
  { path, sums, reached, recomputation }: Walk,
): void {
  const { op, inputs, outputs } = node;
  if (!op.vjp) {
    const names = outputs.map(({ name }) => name).join(", ");
    throw new TypeError(
      `Cannot differentiate "${names}": operator ${op.name} has no vjp`,
    );
  }
  const again = recomputation.of(node);
  const given = outputs.map((output, i) =>
    sums.get(output) ?? zerosLike(again.outputs[i]!)
  );
  let cotangents: readonly (Value | null)[] | undefined;
  for (const [i, input] of inputs.entries()) {
    if (!path.has(input)) continue;
    const sum = sums.get(input);
    const merged = sum && op.vjpInto?.(again, given, sum, i);
    if (merged) sums.set(input, merged);
    else {
      cotangents ??= op.vjp(again, given);
      const part = cotangents[i];
      if (!part) continue;
      const reduced = sumTo(part, input.shape);
      sums.set(input, sum ? add(sum, reduced) : reduced);
    }
    reached.add(input);
  }
}

function dependents(graph: Graph, targets: readonly Value[]): Set<Value> {
  const path = new Set(targets);
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.some((input) => path.has(input))) {
      outputs.forEach((output) => path.add(output));
    }
  }
  return path;
}

/**
 * Gives the backward pass nodes whose values are computed again from the
 * beginning of their layer, rather than kept since the forward pass: gradient
 * checkpointing. https://arxiv.org/abs/1604.06174
 */
class Recomputation {
  readonly #graph: Graph;
  /** The layer of each node that is computed again. */
  readonly #layerOf = new Map<Node, number>();
  readonly #makerOf = new Map<Value, Node>();
  /** Values that are computed again, each once. */
  readonly #again = new Map<Value, Value>();

  /**
   * @param layers the first ones of those that the graph marks; the last one's
   * values are read at once, so it is none of them.
   */
  constructor(graph: Graph, layers: number) {
    this.#graph = graph;
    const { marks, nodes } = graph;
    const last = Math.min(layers, marks.length - 2);
    for (let layer = 0; layer < last; layer++) {
      for (const node of nodes.slice(marks[layer], marks[layer + 1])) {
        this.#layerOf.set(node, layer);
        for (const output of node.outputs) this.#makerOf.set(output, node);
      }
    }
  }

  /** The same node on values that are computed again, where its layer is. */
  of(node: Node): Node {
    if (!this.#layerOf.has(node)) return node;
    return {
      ...node,
      inputs: this.#values(node.inputs, node),
      outputs: this.#values(node.outputs, node),
    };
  }

  /** Values as a node's own layer computes them again. */
  #values(values: Values, reader: Node): Values {
    return values.map((value) => {
      const maker = this.#makerOf.get(value);
      const isOwn = maker &&
        this.#layerOf.get(maker) === this.#layerOf.get(reader);
      return isOwn ? this.#valueAgain(value, maker) : value;
    });
  }

  #valueAgain(value: Value, maker: Node): Value {
    const known = this.#again.get(value);
    if (known) return known;
    const inputs = this.#values(maker.inputs, maker);
    const outputs = this.#graph.applyAgain(maker, inputs);
    maker.outputs.forEach((output, i) => this.#again.set(output, outputs[i]!));
    return this.#again.get(value)!;
  }
}
