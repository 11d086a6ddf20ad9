import type { SessionSettings } from "./ffi/session_options.ts";
import type { Graph } from "./graph/graph.ts";
import type { Device } from "./providers.ts";
import { widensWeights } from "./held_weights.ts";

/**
 * How far onnxruntime rewrites a graph. On CPU that takes up to three quarters
 * of a session's creation, and our graphs are in the form that its kernels want,
 * but for values that are the same in each run and products that read
 * transpositions. A device has fusions of its own; those assume float32.
 */
export function optimizationOf(
  graph: Graph,
  device: Device,
): SessionSettings["optimization"] {
  const isExact = graph.float === "float32";
  if (device !== "cpu") return isExact ? "all" : "basic";
  if (isExact && multipliesTransposed(graph)) return "all";
  return !widensWeights(graph) && repeatsItself(graph) ? "basic" : "none";
}

/** Whether a product reads a transposition that its kernel can do itself. */
function multipliesTransposed({ nodes }: Graph): boolean {
  const transposed = new Set(
    nodes.flatMap(({ op, attributes: { perm }, outputs: [output] }) =>
      op.name === "Transpose" && isTakenIn(perm as readonly number[])
        ? [output!.name]
        : []
    ),
  );
  return nodes.some(({ op, inputs }) =>
    op.name === "FusedMatMul" &&
    inputs.some(({ name }) => transposed.has(name))
  );
}

/** Whether a node reads nothing but constants: its result is one, too. */
function repeatsItself({ nodes, constants }: Graph): boolean {
  const fixed = new Set(constants.map(({ value }) => value.name));
  return nodes.some(({ inputs }) =>
    inputs.every(({ name }) => fixed.has(name))
  );
}

/** Whether an order moves the first of more than two axes behind those between. */
const isTakenIn = (perm: readonly number[]): boolean =>
  perm.length > 2 && perm.at(-2) === 0;
