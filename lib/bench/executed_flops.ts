import type { Graph, Node } from "../onnx/graph/graph.ts";
import type { Dim, Type } from "../onnx/graph/tensor_type.ts";
import { sizeOf, type Sizes } from "../onnx/sizes.ts";

/** Floating-point operations of the products of a graph, by operator. */
export type FlopsByOperator = Readonly<Record<string, number>>;

/** Operators that multiply matrices; all others take passes over memory. */
const PRODUCTS = new Set(["Gemm", "MatMul", "FusedMatMul"]);

/**
 * Counts what one run of a graph multiplies: 2 · m · k · n for each product of
 * matrices, as the graph has them before onnxruntime fuses anything.
 *
 * @throws RangeError for a dimension that the sizes do not give.
 */
export function executedFlops(
  { nodes }: Pick<Graph, "nodes">,
  sizes: Sizes,
): FlopsByOperator {
  const sums: Record<string, number> = {};
  for (const node of nodes) {
    if (!PRODUCTS.has(node.op.name)) continue;
    sums[node.op.name] = (sums[node.op.name] ?? 0) + flopsOf(node, sizes);
  }
  return sums;
}

/** The sum over operators. */
export function total(flops: FlopsByOperator): number {
  return Object.values(flops).reduce((a, b) => a + b, 0);
}

function flopsOf({ inputs, outputs, attributes }: Node, sizes: Sizes): number {
  const [a] = inputs;
  const inner = a!.shape.at(attributes["transA"] ? -2 : -1)!;
  return 2 * elements(outputs[0]!, sizes) * knownSize(inner, sizes);
}

function elements({ shape }: Type, sizes: Sizes): number {
  return shape.reduce((n: number, dim) => n * knownSize(dim, sizes), 1);
}

function knownSize(dim: Dim, sizes: Sizes): number {
  const size = sizeOf(dim, sizes);
  if (size !== undefined) return size;
  throw new RangeError(`Cannot count: the size of ${dim} is not known`);
}
