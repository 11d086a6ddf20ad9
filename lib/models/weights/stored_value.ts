import type { DType, Graph, Value } from "../../onnx/graph.ts";
import type { LocatedTensor } from "../weights.ts";

/** Types of safetensors files → types of graphs. */
const STORED_TYPES: ReadonlyMap<string, DType> = new Map([
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
]);

/**
 * A weight in a graph as the bytes that are stored, which stay in their file.
 *
 * @throws TypeError where it is stored in a type that graphs do not know.
 */
export function storedValue(
  graph: Graph,
  name: string,
  { file, begin, end, shape, dtype: stored }: LocatedTensor,
): Value {
  const dtype = STORED_TYPES.get(stored);
  if (dtype) {
    const place = { file, offset: begin, length: end - begin };
    return graph.external({ dtype, shape }, place);
  }
  throw new TypeError(
    `Cannot use tensor "${name}" of ${file}: it is stored as ${stored}, ` +
      `expected one of ${[...STORED_TYPES.keys()].join(", ")}`,
  );
}
