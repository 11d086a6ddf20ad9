import {
  type AnyOp,
  type Attributes,
  Graph,
  type GraphOptions,
  type Node,
  type Op,
  type Value,
} from "./graph/graph.ts";
import {
  type Float,
  sameShape,
  sameType,
  type Shape,
} from "./graph/tensor_type.ts";

/**
 * Rewrites the part of a graph that `outputs` need into operators that a
 * provider accepts: the one place where devices differ.
 *
 * Leaves (nodes that nothing else reads) come last, in the order of `outputs`.
 * onnxruntime runs the last leaf first and each leaf's producers just before
 * it, so outputs that are gradients of the parameters in forward order run
 * backwards through the layers, and activations are freed on the way; the
 * opposite order nearly doubles the peak. Of a node's inputs the one that comes
 * last runs first, so nodes made for one reader, and those that compute something
 * again, come before all others: they run when everything else that the reader
 * needs is there.
 *
 * @throws RangeError if there are no outputs.
 */
export function lower(
  outputs: readonly Value[],
  accepts: (op: AnyOp, float: Float, attributes: Attributes) => boolean,
  fits: GraphOptions["fits"] = () => true,
): { graph: Graph; outputs: readonly Value[] } {
  const [first] = outputs;
  if (!first) throw new RangeError("Cannot lower a graph without outputs");
  const { graph: source } = first;
  const { float } = source;
  const graph = new Graph({
    float,
    accepts: (op, attributes) => accepts(op, float, attributes),
    fits,
  });
  const copies = new Copies(source, graph);
  for (const node of reaching(source, outputs)) copies.add(node);
  const results = distinct(
    outputs.map((output) => copies.valueOf(output)),
    graph,
  );
  prune(graph, results, copies.first);
  return { graph, outputs: results };
}

/** y = x. */
export const Identity: Op = { name: "Identity", infer: sameType };

/**
 * Outputs with a copy in place of each that no node makes or that is another
 * output as well: onnxruntime does not write these to memory they are given.
 */
function distinct(outputs: readonly Value[], graph: Graph): readonly Value[] {
  const made = new Set(
    graph.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name)),
  );
  return outputs.map((output) =>
    made.delete(output.name) ? output : graph.apply(Identity, [output], {})[0]
  );
}

/** Outputs with those in `last` after all others, in that order. */
export function inOrder(
  outputs: Readonly<Record<string, Value>>,
  last: readonly string[],
): [name: string, value: Value][] {
  // Names that are not in `last` have index −1.
  return Object.entries(outputs).toSorted(([a], [b]) =>
    last.indexOf(a) - last.indexOf(b)
  );
}

/** Copies of the values of one graph in another one. */
class Copies {
  /** Nodes that come before all others: onnxruntime runs them as late as it can. */
  readonly first = new Set<Node>();
  readonly #graph: Graph;
  readonly #values: Map<string, Value>;
  /** Names of constants, and of what is made from them alone. */
  readonly #fixed: Set<string>;
  /** Nodes that are made anew for each reader, by the values they make. */
  readonly #recipes = new Map<string, Node>();

  constructor(source: Graph, graph: Graph) {
    this.#graph = graph;
    this.#values = copyLeaves(source, graph);
    this.#fixed = new Set(source.constants.map(({ value }) => value.name));
  }

  add(node: Node): void {
    const isFixed = node.inputs.every(({ name }) => this.#fixed.has(name));
    const isMadeAnew = node.inputs.some(({ name }) => this.#recipes.has(name));
    if (isFixed) node.outputs.forEach(({ name }) => this.#fixed.add(name));
    // A wide weight in another form is as large.
    if (node.op.rematerialize || isFixed && isMadeAnew) {
      node.outputs.forEach(({ name }) => this.#recipes.set(name, node));
      return;
    }
    const copies = node.isLate ? this.#applyLate(node) : this.#apply(node);
    node.outputs.forEach(({ name }, i) => this.#values.set(name, copies[i]!));
  }

  valueOf({ name }: Value): Value {
    const recipe = this.#recipes.get(name);
    if (!recipe) return this.#values.get(name)!;
    const copies = this.#applyLate(recipe);
    return copies[recipe.outputs.findIndex((output) => output.name === name)]!;
  }

  #applyLate(node: Node): readonly Value[] {
    const { nodes } = this.#graph;
    const start = nodes.length;
    const copies = this.#apply(node);
    for (const each of nodes.slice(start)) this.first.add(each);
    return copies;
  }

  #apply(node: Node): readonly Value[] {
    const { op, inputs, attributes } = node;
    const absorbed = this.#absorbed(node);
    if (absorbed) return absorbed;
    const copies = inputs.map((input) =>
      shapedAs(this.valueOf(input), input.shape)
    );
    return this.#graph.apply(op, copies, attributes);
  }

  /** The outputs of a node by an operator that reads what its recipe reads. */
  #absorbed({ op, inputs, attributes }: Node): readonly Value[] | null {
    const recipe = inputs[1] && this.#recipes.get(inputs[1].name);
    if (!recipe?.op.absorb) return null;
    const own = recipe.inputs.map((input) => this.valueOf(input));
    const others = inputs.map((input, i) =>
      i === 1 ? undefined : this.valueOf(input)
    );
    const reader = { op, inputs: others, attributes };
    return recipe.op.absorb(own, recipe.attributes, reader);
  }
}

/**
 * A value under the shape that its reader knows: what composites are lowered to
 * may have other names for the same sizes, such as S/2+S/2 for S.
 */
export function shapedAs(value: Value, shape: Shape): Value {
  return sameShape(value.shape, shape) ? value : { ...value, shape };
}

function copyLeaves(source: Graph, graph: Graph): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const { name, shape, dtype } of source.inputs) {
    values.set(name, graph.input(name, shape, dtype));
  }
  for (const { value, data } of source.constants) {
    const copy = "file" in data || "held" in data
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

function prune(
  graph: Graph,
  outputs: readonly Value[],
  first: ReadonlySet<Node>,
): void {
  const nodes = reaching(graph, outputs);
  const read = new Set(
    nodes.flatMap(({ inputs }) => inputs.map(({ name }) => name)),
  );
  const isLeaf = (node: Node) => !node.outputs.some((o) => read.has(o.name));
  const rank = new Map(outputs.map(({ name }, i) => [name, i]));
  const place = (node: Node) =>
    Math.max(...node.outputs.map(({ name }) => rank.get(name) ?? -1));
  const leaves = nodes.filter(isLeaf).sort((a, b) => place(a) - place(b));
  const inner = earliest(nodes.filter((node) => !isLeaf(node)), first);
  graph.nodes.splice(0, Infinity, ...inner, ...leaves);
  const used = (value: Value) => read.has(value.name);
  graph.inputs.splice(0, Infinity, ...graph.inputs.filter(used));
  const constants = graph.constants.filter(({ value }) => used(value));
  graph.constants.splice(0, Infinity, ...constants);
}

/** Nodes in order, except that some stand as soon as what they read is there. */
function earliest(nodes: readonly Node[], some: ReadonlySet<Node>): Node[] {
  const placeOf = new Map<string, number>();
  const places = new Map(nodes.map((node, i) => {
    const read = node.inputs.map(({ name }) => placeOf.get(name) ?? -1);
    const place = some.has(node) ? Math.max(...read) : i;
    node.outputs.forEach(({ name }) => placeOf.set(name, place));
    return [node, place];
  }));
  return nodes.toSorted((a, b) => places.get(a)! - places.get(b)!);
}
