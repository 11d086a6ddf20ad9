import type { Graph, Value } from "./graph/graph.ts";
import type { GraphInput, InputTable, Numbers } from "./graph/input_table.ts";
import type { DType } from "./graph/tensor_type.ts";
import type { HostTensor } from "./tensors.ts";

/**
 * The inputs of a table as values of a graph. Each is declared when it is first
 * read, so that a graph has no input that it does not need.
 *
 * @param prefix of the names that the graph has for them.
 */
export function inputValues<Name extends string>(
  graph: Graph,
  table: InputTable<never, Name>,
  prefix = "",
): Readonly<Record<Name, Value>> {
  const values: Record<string, Value> = {};
  for (const [key, { shape, dtype }] of entriesOf(table)) {
    const name = prefix + key;
    const get = () =>
      graph.inputs.find((input) => input.name === name) ??
        graph.input(name, shape, dtype);
    Object.defineProperty(values, key, { enumerable: true, get });
  }
  return values as Record<Name, Value>;
}

/** Which inputs of a table a graph has declared. */
export function declaredInputs<Name extends string>(
  graph: Graph,
  table: InputTable<never, Name>,
): Readonly<Record<Name, boolean>> {
  const declared = new Set(graph.inputs.map(({ name }) => name));
  const flags = entriesOf(table).map(([name]) => [name, declared.has(name)]);
  return Object.fromEntries(flags) as Record<Name, boolean>;
}

/**
 * Fills the inputs of a table.
 *
 * @param graph whose inputs alone are filled, in its types. @default all of the
 * table, floats as float32
 */
export function fillInputs<Batch>(
  table: InputTable<Batch>,
  batch: Batch,
  graph?: Graph,
): Record<string, HostTensor> {
  const inputs = graph?.inputs.filter(({ name }) => Object.hasOwn(table, name))
    .map(({ name, dtype }) => [name, dtype] as const) ??
    entriesOf(table).map(([name, { dtype }]) => [name, dtype] as const);
  return Object.fromEntries(
    inputs.map(([name, dtype]) => [
      name,
      tensorOf(table[name]!.fill(batch), dtype),
    ]),
  );
}

/**
 * Checks that every input of a graph is fed, and that the graph reads what it
 * has declared of a table.
 *
 * @param others names of inputs that are fed without the table.
 * @throws RangeError that names the first input of which this is not so.
 */
export function checkInputs(
  graph: Graph,
  table: InputTable<never>,
  others: Iterable<string>,
): void {
  const fed = new Set(others);
  const read = new Set(
    graph.nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)),
  );
  for (const { name } of graph.inputs) {
    const isListed = Object.hasOwn(table, name);
    if (isListed ? read.has(name) : fed.has(name)) continue;
    throw new RangeError(
      `Cannot build the graph: its input "${name}" is ${
        isListed
          ? "declared, but no node reads it"
          : "read, but nothing feeds it"
      }`,
    );
  }
}

/** Feeds of scalars in float32. */
export function scalarFeeds(
  numbers: Readonly<Record<string, number>>,
): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, x]) => [name, tensorOf(x)]),
  );
}

function tensorOf(
  numbers: Numbers,
  dtype: DType = "float32",
): HostTensor {
  const { data, shape } = typeof numbers === "number"
    ? { data: [numbers], shape: [] }
    : "data" in numbers
    ? numbers
    : { data: numbers, shape: [numbers.length] };
  if (dtype === "int32") return { data: new Int32Array(data), shape };
  return dtype === "float64"
    ? { data: new Float64Array(data), shape }
    : { data: new Float32Array(data), shape };
}

function entriesOf<Name extends string>(table: InputTable<never, Name>) {
  return Object.entries<GraphInput<never>>(table);
}
