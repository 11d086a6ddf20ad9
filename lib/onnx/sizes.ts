import type { Graph } from "./graph/graph.ts";
import type { Dim } from "./graph/tensor_type.ts";
import type { Tensors } from "./tensors.ts";

/** Sizes of a run's symbolic dimensions, by their names in a graph's inputs. */
export type Sizes = ReadonlyMap<string, number>;

/**
 * The sizes that feeds give to the dimensions of a graph's inputs; tensors on a
 * device give none.
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

function bind(sizes: Map<string, number>, dim: Dim, size: number): void {
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
 * The size of a dimension; shape rules name derived ones `3·T`, `S/4` or
 * `S/2+S/2`. It is undefined where the sizes do not give it.
 */
export function sizeOf(dim: Dim, sizes: Sizes): number | undefined {
  if (typeof dim === "number") return dim;
  const known = (text: string) => sizes.get(text) ?? Number(text || NaN);
  const quotient = (text: string) =>
    text.split("/").map(known).reduce((a, b) => a / b);
  const product = (text: string) =>
    text.split("·").map(quotient).reduce((a, b) => a * b);
  const size = sizes.get(dim) ??
    dim.split("+").map(product).reduce((a, b) => a + b);
  return Number.isFinite(size) ? size : undefined;
}
