import type { Tensors } from "../onnx/session.ts";
import type { Graph, Node, Shape, Type } from "../onnx/graph.ts";

/** Sizes of a run's symbolic dimensions, by name. */
export type Sizes = ReadonlyMap<string, number>;

/** Floating-point operations of the products of a graph, by operator. */
export type FlopsByOperator = Readonly<Record<string, number>>;

/** Operators that multiply matrices; all others take passes over memory. */
const PRODUCTS = new Set(["Gemm", "MatMul", "FusedMatMul"]);

/**
 * The sizes that feeds give to the dimensions of a graph's inputs.
 *
 * @throws RangeError where two feeds give a dimension different sizes.
 */
export function sizesOf(
  { inputs }: Pick<Graph, "inputs">,
  feeds: Tensors,
): Sizes {
  const sizes = new Map<string, number>();
  for (const { name, shape } of inputs) {
    const fed = feeds[name];
    if (!fed || !("shape" in fed)) continue;
    fed.shape.forEach((size, axis) => bind(sizes, shape[axis]!, size));
  }
  return sizes;
}

function bind(
  sizes: Map<string, number>,
  dim: Shape[number],
  size: number,
): void {
  if (typeof dim === "number") return;
  const known = sizes.get(dim) ?? size;
  if (known !== size) {
    throw new RangeError(
      `Cannot bind dimension ${dim}: found sizes ${known} and ${size}`,
    );
  }
  sizes.set(dim, size);
}

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
  return 2 * elements(outputs[0]!, sizes) * sizeOf(inner, sizes);
}

function elements({ shape }: Type, sizes: Sizes): number {
  return shape.reduce((n: number, dim) => n * sizeOf(dim, sizes), 1);
}

/** A dimension's size; operators call derived ones `3·T` and `S/4`. */
function sizeOf(dim: Shape[number], sizes: Sizes): number {
  if (typeof dim === "number") return dim;
  const known = sizes.get(dim);
  if (known !== undefined) return known;
  const [, left, sign, right] = dim.match(/^(.+)([·/])(.+)$/) ?? [];
  if (left === undefined || right === undefined) {
    const number = Number(dim);
    if (dim !== "" && Number.isFinite(number)) return number;
    throw new RangeError(`Cannot count: the size of ${dim} is not known`);
  }
  const [a, b] = [sizeOf(left, sizes), sizeOf(right, sizes)];
  return sign === "/" ? a / b : a * b;
}
