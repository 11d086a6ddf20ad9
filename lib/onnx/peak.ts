import type { Graph, Node, Value } from "./graph/graph.ts";
import type { Dim, Type } from "./graph/tensor_type.ts";
import { inOrder, lower } from "./lower.ts";
import { MemoryPlan } from "./memory_plan.ts";
import { widensWeights } from "./held_weights.ts";
import { inPrecision } from "./precision.ts";
import { type Device, hasKernel, type Precision } from "./providers.ts";
import type { HostTensor } from "./tensors.ts";
import { BYTES, knownBytes } from "./bytes.ts";
import { sizeOf, type Sizes, sizesOf } from "./sizes.ts";

/** How a graph is compiled. */
interface GraphMemoryOptions {
  /** @default "cpu" */
  device?: Device;
  /** @default "float32" */
  precision?: Precision;
}

/** Memory that a compiled graph takes, found without compiling it. */
export class GraphMemory {
  readonly #graph: Graph;
  readonly #outputs: readonly Value[];
  /** Names of outputs that a run writes to memory of its caller. */
  readonly #written: ReadonlySet<string>;
  readonly #order: readonly Node[];
  /** Names of what a session computes once, as it is made. */
  readonly #folded: ReadonlySet<string>;

  /** @param written outputs that come last and go to memory of the caller. */
  constructor(
    outputs: Readonly<Record<string, Value>>,
    written: readonly string[],
    { device = "cpu", precision = "float32" }: GraphMemoryOptions = {},
  ) {
    const ordered = inOrder(outputs, written);
    const exact = lower(
      ordered.map(([, value]) => value),
      (op, float) => hasKernel(op, device, { float, precision }),
    );
    const lowered = inPrecision(exact, { precision, device });
    this.#graph = lowered.graph;
    this.#outputs = lowered.outputs;
    this.#written = new Set(
      ordered.flatMap(([name], i) =>
        written.includes(name) ? [lowered.outputs[i]!.name] : []
      ),
    );
    this.#folded = foldedIn(lowered.graph);
    this.#order = runOrder(lowered.graph).filter((node) =>
      !node.outputs.every(({ name }) => this.#folded.has(name))
    );
  }

  /** Number of nodes. */
  get nodes(): number {
    return this.#graph.nodes.length;
  }

  /** Bytes of weights that stay in their files. */
  get mapped(): number {
    return this.#graph.constants.reduce(
      (sum, { data }) => sum + ("file" in data ? data.length : 0),
      0,
    );
  }

  /**
   * Bytes of what a session computes of constants once, and holds: copies that
   * kernels rearrange, one for each, are among them.
   */
  get folded(): number {
    return this.#bytesRead(({ name }) => this.#folded.has(name)) +
      this.#packed;
  }

  get #packed(): number {
    return this.#order
      .filter(({ op }) => op.name === "MatMulIntegerToFloat")
      .reduce((sum, { inputs }) => sum + (knownBytes(inputs[1]!) ?? 0), 0);
  }

  /** Bytes of constants that runs read, and of what is computed of them once. */
  get constants(): number {
    const given = new Set(
      this.#graph.constants.map(({ value: { name } }) => name),
    );
    return this.folded + this.#bytesRead(({ name }) => given.has(name));
  }

  /** Bytes of those values, each once, that nodes read in a run. */
  #bytesRead(counts: (value: Value) => boolean): number {
    const read = this.#order.flatMap(({ inputs }) => inputs).filter(counts);
    const values = new Map(read.map((value) => [value.name, value]));
    return values.values().reduce(
      (sum, each) => sum + (knownBytes(each) ?? 0),
      0,
    );
  }

  /**
   * Bytes of the largest result of a run.
   *
   * @param feeds inputs of which the shapes count.
   */
  largest(feeds: Readonly<Record<string, HostTensor>>): number {
    const sizes = sizesOf(this.#graph, feeds);
    return this.#order.flatMap(({ outputs }) => outputs)
      .reduce((most, value) => Math.max(most, bytesOf(value, sizes)), 0);
  }

  /**
   * Bytes of intermediate results at their peak in a run, beside inputs and
   * constants. It follows onnxruntime: nodes run in the order of
   * {@linkcode runOrder}, a result is freed after its last reader, and views
   * and elementwise operators reuse the memory of what they read.
   *
   * @param feeds inputs of which the shapes count.
   */
  peak(feeds: Readonly<Record<string, HostTensor>>): number {
    const sizes = sizesOf(this.#graph, feeds);
    const bytes = (value: Value) =>
      this.#written.has(value.name) ? 0 : bytesOf(value, sizes);
    return new MemoryPlan(this.#order, this.#outputs, bytes).bytes;
  }
}

/**
 * Names of values of constants alone, which onnxruntime computes as it makes a
 * session, unless that would keep weights in a wider form.
 */
function foldedIn(graph: Graph): ReadonlySet<string> {
  if (widensWeights(graph)) return new Set();
  const known = new Set(graph.constants.map(({ value: { name } }) => name));
  const folded = new Set<string>();
  for (const { inputs, outputs } of graph.nodes) {
    if (!inputs.every(({ name }) => known.has(name))) continue;
    for (const { name } of outputs) {
      known.add(name);
      folded.add(name);
    }
  }
  return folded;
}

function bytesOf({ dtype, shape }: Type, sizes: Sizes): number {
  return shape.reduce<number>(
    (n, dim) => n * knownSize(dim, sizes),
    BYTES[dtype],
  );
}

function knownSize(dim: Dim, sizes: Sizes): number {
  const size = sizeOf(dim, sizes);
  if (size !== undefined) return size;
  throw new RangeError(
    `Cannot size the dimension ${dim}: no input that is fed has it`,
  );
}

/**
 * Nodes in the order in which onnxruntime runs them: depth first from the
 * leaves against the edges, of several nodes the last one first.
 * https://github.com/microsoft/onnxruntime/blob/v1.22.0/onnxruntime/core/graph/graph_viewer.cc
 */
export function runOrder({ nodes }: Graph): Node[] {
  const indexOf = new Map(
    nodes.flatMap(({ outputs }, i) =>
      outputs.map(({ name }) => [name, i] as const)
    ),
  );
  const producers = nodes.map(({ inputs }) =>
    [...new Set(inputs.flatMap(({ name }) => indexOf.get(name) ?? []))]
      .sort((a, b) => a - b)
  );
  const isRead = new Set(producers.flat());
  const stack = nodes.keys().filter((i) => !isRead.has(i)).toArray();
  const entered = new Set<number>();
  const order: Node[] = [];
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    if (i < 0) order.push(nodes[-1 - i]!);
    else if (!entered.has(i)) {
      entered.add(i);
      stack.push(-1 - i, ...producers[i]!.filter((p) => !entered.has(p)));
    }
  }
  return order;
}
