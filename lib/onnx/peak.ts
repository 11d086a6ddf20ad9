import { Arena } from "./arena.ts";
import type { Graph, Node, Value } from "./graph/graph.ts";
import { type Dim, sameShape, type Type } from "./graph/tensor_type.ts";
import { inOrder, lower } from "./lower.ts";
import { widensWeights } from "./held_weights.ts";
import { inPrecision } from "./precision.ts";
import { type Device, hasKernel, type Precision } from "./providers.ts";
import type { HostTensor } from "./tensors.ts";
import { BYTES, knownBytes } from "./bytes.ts";
import { sizeOf, type Sizes, sizesOf } from "./sizes.ts";

/** Kernels whose output is the memory of their first input. */
const VIEWS = new Set(["Reshape", "Unsqueeze", "Squeeze", "Identity"]);

/** Kernels that may write over their first input. */
const IN_PLACE = new Set([
  ...["Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Relu", "Softplus", "Elu"],
  ...["Cast", "ScatterElements", "ScatterND"],
]);

/** Operators of operands that are broadcast. */
const BROADCAST = new Set(["Add", "Sub", "Mul", "Div", "Min", "Max", "Where"]);

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

/** Memory of one result after another, from one step of a run to another. */
interface Buffer {
  /** The first result. */
  readonly value: Value;
  readonly bytes: number;
  readonly from: number;
  until: number;
  /** Reads that are still to come. */
  uses: number;
}

/**
 * onnxruntime's plan of a run's memory: a buffer whose results were all read
 * waits for a later one of the same shape, and is freed after the last.
 * https://github.com/microsoft/onnxruntime/blob/v1.22.0/onnxruntime/core/framework/allocation_planner.cc
 */
class MemoryPlan {
  readonly #bytesOf: (value: Value) => number;
  readonly #steps: number;
  readonly #reads = new Map<string, number>();
  readonly #outputs: ReadonlySet<string>;
  readonly #known = new KnownSizes();
  readonly #buffers: Buffer[] = [];
  readonly #bufferOf = new Map<string, Buffer>();
  /** Buffers that wait, the last one first. */
  readonly #waiting: Buffer[] = [];

  constructor(
    order: readonly Node[],
    outputs: readonly Value[],
    bytesOf: (value: Value) => number,
  ) {
    this.#bytesOf = bytesOf;
    this.#steps = order.length;
    this.#outputs = new Set(outputs.map(({ name }) => name));
    for (const { name } of order.flatMap(({ inputs }) => inputs)) {
      this.#reads.set(name, (this.#reads.get(name) ?? 0) + 1);
    }
    for (const [step, node] of order.entries()) this.#add(node, step);
  }

  /** Bytes that the run takes from the system. */
  get bytes(): number {
    const arena = new Arena();
    const { begin, end } = {
      begin: Map.groupBy(this.#buffers, ({ from }) => from),
      end: Map.groupBy(this.#buffers, ({ until }) => until),
    };
    const pieces = new Map<Buffer, ReturnType<Arena["allocate"]>>();
    for (let step = 0; step < this.#steps; step++) {
      for (const buffer of begin.get(step) ?? []) {
        if (buffer.bytes > 0) pieces.set(buffer, arena.allocate(buffer.bytes));
      }
      for (const buffer of end.get(step) ?? []) {
        const piece = pieces.get(buffer);
        if (piece) arena.release(piece);
      }
    }
    return arena.touched;
  }

  #add(node: Node, step: number): void {
    this.#known.add(node);
    for (const output of node.outputs) {
      const buffer = this.#reused(node, output) ?? this.#made(output, step);
      buffer.uses += this.#reads.get(output.name) ?? 0;
      this.#bufferOf.set(output.name, buffer);
    }
    for (const { name } of node.inputs) {
      const buffer = this.#bufferOf.get(name);
      if (buffer && --buffer.uses === 0) this.#release(buffer, step);
    }
    for (const { name } of node.outputs) {
      const buffer = this.#bufferOf.get(name)!;
      if (buffer.uses === 0) this.#release(buffer, step);
    }
  }

  #release(buffer: Buffer, step: number): void {
    buffer.until = step;
    this.#waiting.unshift(buffer);
  }

  #made(value: Value, from: number): Buffer {
    const isOutput = this.#outputs.has(value.name);
    const bytes = this.#bytesOf(value);
    const uses = isOutput ? Infinity : 0;
    const buffer = { value, bytes, from, until: Infinity, uses };
    this.#buffers.push(buffer);
    return buffer;
  }

  /** The buffer of an earlier result that an output gets, if there is one. */
  #reused({ op, inputs }: Node, output: Value): Buffer | undefined {
    if (this.#outputs.has(output.name)) return undefined;
    const first = inputs[0] && this.#bufferOf.get(inputs[0].name);
    if (VIEWS.has(op.name)) return first;
    const fits = ({ value }: Buffer) => this.#known.sameSize(value, output);
    if (IN_PLACE.has(op.name) && first?.uses === 1 && fits(first)) return first;
    const at = this.#waiting.findIndex(fits);
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
  }
}

/**
 * Sizes that onnxruntime knows before a run, as numbers or by name. It does not
 * know those that a reshaping computes, nor sums of others.
 */
class KnownSizes {
  readonly #unknown = new Map<string, ReadonlySet<number>>();

  add({ op, inputs, outputs }: Node): void {
    for (const { name, shape } of outputs) {
      const unknown = shape.flatMap((dim, axis) =>
        typeof dim === "string" && !this.#follows(op.name, inputs, dim)
          ? [axis]
          : []
      );
      if (unknown.length > 0) this.#unknown.set(name, new Set(unknown));
    }
  }

  /** Whether two values surely have as many bytes. */
  sameSize(a: Value, b: Value): boolean {
    return BYTES[a.dtype] === BYTES[b.dtype] && a.shape.length > 0 &&
      sameShape(a.shape, b.shape) &&
      !this.#unknown.has(a.name) && !this.#unknown.has(b.name);
  }

  /** Whether a dimension of an output is a known one of an input. */
  #follows(op: string, inputs: readonly Value[], dim: string): boolean {
    const having = inputs.filter(({ shape }) => shape.includes(dim));
    const isKnown = ({ name, shape }: Value) =>
      shape.every((each, axis) =>
        each !== dim || !this.#unknown.get(name)?.has(axis)
      );
    // Of operands that are broadcast one that is unknown hides the other.
    return BROADCAST.has(op)
      ? having.length > 0 && having.every(isKnown)
      : having.some(isKnown);
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
