import type { HostArray } from "./ffi/ort_value.ts";
import type { Held } from "./graph/constant_data.ts";
import type { Constant, Graph } from "./graph/graph.ts";
import type { Type } from "./graph/tensor_type.ts";

/**
 * Makes inputs of the weights that are held in memory: as constants each
 * session would have a copy, and fold the nodes that cast them up. Those that
 * are to be rearranged are constants.
 *
 * @returns the arrays to feed.
 */
export function heldAsInputs(graph: Graph): Map<string, HostArray> {
  const { constants } = graph;
  const packed = packedConstants(graph);
  const isFed = ({ value, data }: Constant) =>
    "held" in data && !packed.has(value.name);
  const feeds = constants.filter(isFed).flatMap(({ value, data }) => {
    const { name, shape, dtype } = value;
    if (!("held" in data)) return [];
    graph.input(name, shape, dtype);
    return [[name, arrayOf({ dtype, shape }, data)] as const];
  });
  const others = constants.filter((constant) => !isFed(constant));
  constants.splice(0, Infinity, ...others);
  return new Map(feeds);
}

/** Operators with a constant operand that is rearranged. */
const PACKING = new Set(["MatMulNBits", "MatMulIntegerToFloat"]);

/** Names of constants that are rearranged themselves, or once transposed. */
function packedConstants({ nodes }: Graph): ReadonlySet<string> {
  const names = new Set(
    nodes.filter(({ op }) => PACKING.has(op.name))
      .flatMap(({ inputs }) => inputs.map(({ name }) => name)),
  );
  for (const { op, inputs, outputs } of nodes) {
    if (op.name === "Transpose" && names.has(outputs[0]!.name)) {
      names.add(inputs[0]!.name);
    }
  }
  return names;
}

function arrayOf({ dtype, shape }: Type, { held }: Held): HostArray {
  const sizes = shape as readonly number[];
  return { data: held, shape: sizes, isPacked: dtype === "uint4" };
}

/**
 * Takes the bytes of weights that are held in memory out of a graph, which as a
 * file may have 2 GB.
 *
 * @returns the arrays to give the session.
 */
export function takeHeld({ constants }: Graph): Map<string, HostArray> {
  const arrays = new Map<string, HostArray>();
  for (const [i, { value, data }] of constants.entries()) {
    if (!("held" in data)) continue;
    arrays.set(value.name, arrayOf(value, data));
    const { byteLength: length } = data.held;
    constants[i] = { value, data: { file: "memory", offset: 0, length } };
  }
  return arrays;
}

/** Whether weights are widened for each reader: folding would keep all. */
export function widensWeights({ nodes, constants }: Graph): boolean {
  const stored = new Set(
    constants.flatMap(({ value, data }) =>
      "file" in data || "held" in data ? [value.name] : []
    ),
  );
  return nodes.some(({ op, inputs }) =>
    op.rematerialize && inputs.some(({ name }) => stored.has(name))
  );
}
