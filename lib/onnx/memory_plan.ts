import { Arena } from "./arena.ts";
import { BYTES } from "./bytes.ts";
import type { Node, Value } from "./graph/graph.ts";

/** Kernels whose output is the memory of their first input. */
const VIEWS = new Set(["Reshape", "Unsqueeze", "Squeeze", "Identity"]);

/** Kernels that may write over their first input. */
const IN_PLACE = new Set([
  ...["Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Relu", "Softplus", "Elu"],
  ...["Cast", "ScatterElements", "ScatterND"],
]);

/** Operators of operands that are broadcast. */
const BROADCAST = new Set(["Add", "Sub", "Mul", "Div", "Min", "Max", "Where"]);

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
export class MemoryPlan {
  readonly #bytesOf: (value: Value) => number;
  readonly #steps: number;
  readonly #reads = new Map<string, number>();
  readonly #outputs: ReadonlySet<string>;
  readonly #known = new KnownSizes();
  readonly #buffers: Buffer[] = [];
  readonly #bufferOf = new Map<string, Buffer>();
  /** Buffers that wait, by the size that runs know of them. */
  readonly #waiting = new Map<string, Buffer[]>();

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
    const size = this.#known.keyOf(buffer.value);
    if (size === null) return;
    const others = this.#waiting.get(size);
    if (others) others.push(buffer);
    else this.#waiting.set(size, [buffer]);
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
    const size = this.#known.keyOf(output);
    if (size === null) return undefined;
    const isInPlace = IN_PLACE.has(op.name) && first?.uses === 1 &&
      this.#known.keyOf(first.value) === size;
    // The last that began to wait.
    return isInPlace ? first : this.#waiting.get(size)?.pop();
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

  /** What values share that surely have as many bytes; null if none has. */
  keyOf({ name, dtype, shape }: Value): string | null {
    return shape.length === 0 || this.#unknown.has(name)
      ? null
      : `${BYTES[dtype]} ${shape.join()}`;
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
