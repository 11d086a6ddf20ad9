import type { Graph, Node, Value } from "./onnx/graph.ts";
import { add, zerosLike } from "./ops/elementwise.ts";
import { sumTo } from "./ops/shaping.ts";

/** Options of {@linkcode gradient}. */
export interface GradientOptions {
  /**
   * A value per target that its gradient is added to: accumulation over
   * micro-batches. None by default.
   */
  into?: readonly Value[];
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
  { into = [] }: GradientOptions = {},
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
  for (const node of graph.nodes.toReversed()) {
    const onPath = node.outputs.some((output) =>
      reached.has(output) && path.has(output)
    );
    if (onPath) walk(node, { path, sums, reached });
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
}

function walk(node: Node, { path, sums, reached }: Walk): void {
  const { op, inputs, outputs } = node;
  if (!op.vjp) {
    const names = outputs.map(({ name }) => name).join(", ");
    throw new TypeError(
      `Cannot differentiate "${names}": operator ${op.name} has no vjp`,
    );
  }
  const given = outputs.map((output) => sums.get(output) ?? zerosLike(output));
  let cotangents: readonly (Value | null)[] | undefined;
  for (const [i, input] of inputs.entries()) {
    if (!path.has(input)) continue;
    const sum = sums.get(input);
    const merged = sum && op.vjpInto?.(node, given, sum, i);
    if (merged) sums.set(input, merged);
    else {
      cotangents ??= op.vjp(node, given);
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
