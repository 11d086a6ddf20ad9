/** Element types in use; those of 16 and 8 bits only for weights. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "uint8"
  | "int32"
  | "int64"
  | "bool";

/** Types in which a graph does its arithmetic. */
export type Float = "float32" | "float64";

/** A size known when the graph is built, or the name of one known at a run. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export interface Type {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A tensor of a graph: what it is called there, its type and its graph. */
export interface Value extends Type {
  readonly name: string;
  readonly graph: Graph;
}

/** An operand: a value, or a number that becomes a scalar constant. */
export type Operand = Value | number;

/** Integers (plain numbers), floats, texts and lists are different in ONNX. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/** Everything the engine knows of one operator. */
export interface Op {
  /** ONNX operator name, or a name of our own where `lower` is all there is. */
  readonly name: string;
  /** ONNX operator set; `""` (the standard one) by default. */
  readonly domain?: string;
  /**
   * Whether each reader gets a result of its own, made just before it reads:
   * for what is large, and cheap to make from constants. @default false
   */
  readonly perReader?: boolean;
  /** Types of the outputs. Throws a RangeError that says why inputs do not fit. */
  infer(inputs: readonly Value[], attributes: Attributes): readonly Type[];
  /**
   * The cotangent of each input, given those of the outputs (`null` where
   * nothing flows back); `null` for an input that is not differentiable. A
   * cotangent may keep the broadcast shape: `gradient()` sums it down.
   */
  vjp?(
    node: Node,
    cotangents: readonly (Value | null)[],
  ): readonly (Value | null)[];
  /**
   * `sum` + the cotangent of input `index`, for operators that can add into an
   * existing tensor cheaper than by an Add of their own; `null` where it cannot.
   */
  vjpInto?(
    node: Node,
    cotangents: readonly (Value | null)[],
    sum: Value,
    index: number,
  ): Value | null;
  /** The same in other operators, for providers without a kernel. */
  lower?(inputs: readonly Value[], attributes: Attributes): readonly Value[];
}

/** One application of an operator. */
export interface Node {
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

export type ConstantData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Where the bytes of a stored weight lie. */
export interface External {
  /** Path of the file. */
  readonly file: string;
  /** Bytes before the tensor. */
  readonly offset: number;
  /** Bytes of the tensor. */
  readonly length: number;
}

/** Weights in this process's memory, which every session reads there. */
export interface Held {
  /** Bits of float16 as whole numbers. */
  readonly held:
    | Float32Array<ArrayBuffer>
    | Int8Array<ArrayBuffer>
    | Uint8Array<ArrayBuffer>
    | Uint16Array<ArrayBuffer>;
}

export interface Constant {
  readonly value: Value;
  readonly data: ConstantData | External | Held;
}

export interface GraphOptions {
  /** @default "float32"; "float64" makes finite differences exact in tests */
  float?: Float;
  /** Whether an operator may stand in this graph; if not it is lowered. @default all */
  accepts?: (op: Op) => boolean;
}

/** Nodes in topological order, grown by appending. */
export class Graph {
  readonly float: Float;
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly constants: Constant[] = [];
  readonly #accepts: (op: Op) => boolean;
  readonly #shared = new Map<string, Value>();
  #names = 0;

  constructor({ float = "float32", accepts = () => true }: GraphOptions = {}) {
    this.float = float;
    this.#accepts = accepts;
  }

  /** Declares an input, fed at each run. */
  input(name: string, shape: Shape, dtype: DType = this.float): Value {
    if (this.inputs.some((input) => input.name === name)) {
      throw new RangeError(
        `Cannot declare input "${name}": the graph has one already`,
      );
    }
    const value = { name, dtype, shape, graph: this };
    this.inputs.push(value);
    return value;
  }

  /** A scalar of the graph's float type; equal ones are shared. */
  scalar(x: number): Value {
    const data = this.float === "float64"
      ? Float64Array.of(x)
      : Float32Array.of(x);
    return this.#share(`scalar ${x}`, () => this.constant(data, []));
  }

  /** A list of integers, such as axes or a shape; equal ones are shared. */
  integers(list: readonly number[]): Value {
    const data = BigInt64Array.from(list, BigInt);
    return this.#share(
      `integers ${list}`,
      () => this.constant(data, [list.length]),
    );
  }

  /** Adds a constant held in memory. */
  constant(data: ConstantData, shape: readonly number[]): Value {
    const value = this.#value("const", { dtype: dtypeOf(data), shape });
    this.constants.push({ value, data });
    return value;
  }

  /** Adds a constant that stays where it is, in its file or in memory. */
  external(type: Type, data: External | Held): Value {
    const value = this.#value("weight", type);
    this.constants.push({ value, data });
    return value;
  }

  /** Appends one node, or what it is lowered to, and returns its outputs. */
  apply(
    op: Op,
    inputs: readonly Value[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const types = infer(op, inputs, attributes);
    if (!this.#accepts(op) && op.lower) {
      const outputs = op.lower(inputs, attributes);
      return outputs.map(({ name }, i) => ({
        ...types[i]!,
        name,
        graph: this,
      }));
    }
    const outputs = types.map((type) => this.#value(op.name, type));
    this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  #value(stem: string, { dtype, shape }: Type): Value {
    return { name: `${stem}_${this.#names++}`, dtype, shape, graph: this };
  }

  #share(key: string, make: () => Value): Value {
    const value = this.#shared.get(key) ?? make();
    this.#shared.set(key, value);
    return value;
  }
}

/** Applies an operator with one output; numbers become scalars. */
export function apply(
  op: Op,
  operands: readonly Operand[],
  attributes?: Attributes,
): Value {
  return applyAll(op, operands, attributes)[0]!;
}

/** Applies an operator with several outputs; numbers become scalars. */
export function applyAll(
  op: Op,
  operands: readonly Operand[],
  attributes?: Attributes,
): readonly Value[] {
  const graph = operands.find((operand) => typeof operand !== "number")?.graph;
  if (!graph) {
    throw new TypeError(
      `Cannot apply ${op.name}: found numbers only, expected a value among the operands`,
    );
  }
  const inputs = operands.map((operand) =>
    typeof operand === "number" ? graph.scalar(operand) : operand
  );
  return graph.apply(op, inputs, attributes);
}

/** The text of a type, as errors show it: `float32[N, 64]`. */
export function describe({ dtype, shape }: Type): string {
  return `${dtype}[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

function infer(
  op: Op,
  inputs: readonly Value[],
  attributes: Attributes,
): readonly Type[] {
  try {
    return op.infer(inputs, attributes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const types = inputs.map(describe).join(" and ");
    throw new RangeError(
      `Cannot apply ${op.name} to ${types}: ${cause.message}`,
      { cause },
    );
  }
}

function dtypeOf(data: ConstantData): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Uint8Array) return "uint8";
  return data instanceof Int32Array ? "int32" : "int64";
}
