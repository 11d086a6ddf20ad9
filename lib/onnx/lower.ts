import { Graph, type Node, type Op, type Value } from "./graph.ts";

/**
 * Rewrites what `outputs` need of a graph into operators that a provider
 * accepts: the one place where devices differ.
 *
 * Leaves (nodes that nothing else reads) come last, in the order of `outputs`.
 * onnxruntime runs the last leaf first and each leaf's producers just before
 * it, so outputs that are gradients of the parameters in forward order run
 * backwards through the layers, and activations are freed on the way; the
 * opposite order nearly doubles the peak.
 */
export function lower(
  outputs: readonly Value[],
  accepts: (op: Op) => boolean,
): { graph: Graph; outputs: readonly Value[] } {
  const source = outputs[0]!.graph;
  const graph = new Graph({ float: source.float, accepts });
  const values = copyLeaves(source, graph);
  for (const { op, inputs, attributes, ...node } of reaching(source, outputs)) {
    const lowered = graph.apply(
      op,
      inputs.map((input) => values.get(input.name)!),
      attributes,
    );
    node.outputs.forEach((output, i) => values.set(output.name, lowered[i]!));
  }
  const results = outputs.map((output) => values.get(output.name)!);
  prune(graph, results);
  return { graph, outputs: results };
}

function copyLeaves(source: Graph, graph: Graph): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const { name, shape, dtype } of source.inputs) {
    values.set(name, graph.input(name, shape, dtype));
  }
  for (const { value, data } of source.constants) {
    const copy = "file" in data
      ? graph.external(value, data)
      : graph.constant(data, value.shape as readonly number[]);
    values.set(value.name, copy);
  }
  return values;
}

/** Nodes that `outputs` depend on, in order. */
function reaching(graph: Graph, outputs: readonly Value[]): Node[] {
  const wanted = new Set(outputs.map(({ name }) => name));
  const kept = graph.nodes.toReversed().filter((node) => {
    const needed = node.outputs.some(({ name }) => wanted.has(name));
    if (needed) node.inputs.forEach(({ name }) => wanted.add(name));
    return needed;
  });
  return kept.reverse();
}

function prune(graph: Graph, outputs: readonly Value[]): void {
  const nodes = reaching(graph, outputs);
  const read = new Set(
    nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)),
  );
  const isLeaf = (node: Node) => !node.outputs.some((o) => read.has(o.name));
  const rank = new Map(outputs.map(({ name }, i) => [name, i]));
  const place = (node: Node) =>
    Math.max(...node.outputs.map(({ name }) => rank.get(name) ?? -1));
  const leaves = nodes.filter(isLeaf).sort((a, b) => place(a) - place(b));
  const inner = nodes.filter((node) => !isLeaf(node));
  graph.nodes.splice(0, Infinity, ...inner, ...leaves);
  const used = (value: Value) => read.has(value.name);
  graph.inputs.splice(0, Infinity, ...graph.inputs.filter(used));
  const constants = graph.constants.filter(({ value }) => used(value));
  graph.constants.splice(0, Infinity, ...constants);
}
