/** Element types in use; those of 16 bits and fewer only for weights. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "uint8"
  | "uint4"
  | "int32"
  | "int64"
  | "bool";

/** Types in which a graph does its arithmetic. */
export type Float = "float32" | "float64";

/** A size known when the graph is built, or the name of one known at a run. */
export type Dim = number | string;
/** The size of each dimension. */
export type Shape = readonly Dim[];

/** Element type and shape of a tensor. */
export interface Type {
  /** Type of the elements. */
  readonly dtype: DType;
  /** Sizes, some of them known at a run only. */
  readonly shape: Shape;
}

/** A tensor of a graph. */
export interface Value extends Type {
  /** Name in its graph. */
  readonly name: string;
  /** The graph it belongs to. */
  readonly graph: Graph;
}

/** An operand: a value, or a number that becomes a scalar constant. */
export type Operand = Value | number;

/**
 * A setting of an operator: an integer, a text, a list, or `null` for none.
 * `true` is 1. {@linkcode Op.written} says where ONNX has it otherwise.
 */
export type Attribute = number | boolean | string | null | Shape;
/** Attributes of a node, by name. */
export type Attributes = Readonly<Record<string, Attribute>>;
/** Attributes of an operator that has none. */
export type NoAttributes = Readonly<Record<never, Attribute>>;

/** Forms of attributes in ONNX: a float, the number of a type, an input. */
export type Written = "float" | "type" | "input";

/** Inputs or outputs of an operator. */
export type Values = readonly Value[];
/** A `T` in each place of a list. */
export type Each<List extends readonly unknown[], T> = {
  readonly [Place in keyof List]: T;
};

/**
 * Everything the engine knows of one operator, by the types of its inputs, its
 * attributes and its outputs; by default one value of another.
 */
export interface Op<
  I extends Values = readonly [x: Value],
  A extends Attributes = NoAttributes,
  O extends Values = readonly [Value],
> {
  /** ONNX operator name, or a name of our own where `lower` is all there is. */
  readonly name: string;
  /** ONNX operator set; `""` (the standard one) by default. */
  readonly domain?: string;
  /** Attributes that ONNX has in another form. @default none */
  readonly written?: Readonly<Record<string, Written>>;
  /**
   * Whether each reader gets a result of its own, made just before it reads:
   * for large results that are cheap to make from constants. @default false
   */
  readonly rematerialize?: boolean;
  /**
   * The outputs of a node whose second input is this operator's result, by an
   * operator that reads this one's inputs in its place; `null` without one. Only
   * for operators that are rematerialized. @default never
   */
  absorb?(
    inputs: I,
    attributes: A,
    reader: Pick<Node, "op" | "attributes"> & {
      /** Without the second one. */
      readonly inputs: readonly (Value | undefined)[];
    },
  ): Values | null;
  /**
   * Types of the outputs.
   *
   * @throws RangeError that says why the inputs do not fit.
   */
  infer(inputs: I, attributes: A): Each<O, Type>;
  /**
   * The cotangent of each input, given those of the outputs (zeros where
   * nothing flows back); `null` for an input that is not differentiable. A
   * cotangent may keep the broadcast shape: `gradient()` sums it down.
   */
  vjp?(node: Node<I, A, O>, cotangents: O): Each<I, Value | null>;
  /**
   * `sum` + the cotangent of input `index`, for operators that can add into an
   * existing tensor cheaper than by an Add of their own; `null` where it cannot.
   */
  vjpInto?(
    node: Node<I, A, O>,
    cotangents: O,
    sum: Value,
    index: number,
  ): Value | null;
  /** The outputs by other operators, for providers without a kernel. */
  lower?(inputs: I, attributes: A): O;
  /**
   * The outputs from two halves, for providers whose kernels have a limit;
   * `null` where there are none.
   */
  halve?(inputs: I, attributes: A): O | null;
}

/**
 * An operator whose types are forgotten: its graph gives it the values that it
 * was applied to, or as many copies of them.
 */
export type AnyOp = Op<Values, Attributes, Values>;

/** One application of an operator. */
export interface Node<
  I extends Values = Values,
  A extends Attributes = Attributes,
  O extends Values = Values,
> {
  /** The operator. */
  readonly op: AnyOp;
  /** Values that it was applied to. */
  readonly inputs: I;
  /** Values that it computes. */
  readonly outputs: O;
  /** Settings under which it was applied. */
  readonly attributes: A;
  /** Whether it is to run as late as its readers let it. @default false */
  readonly isLate?: boolean;
}

/** Numbers of a constant; their type gives the element type. */
export type ConstantData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Location of the bytes of a stored weight. */
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

/** A value that no node computes and no run feeds. */
export interface Constant {
  /** The value in the graph. */
  readonly value: Value;
  /** Its numbers, or where they lie. */
  readonly data: ConstantData | External | Held;
}

/** A scalar, a list, or an array of more axes in row-major order. */
export type Numbers = number | readonly number[] | {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
};

/** One input of a graph: its type, and how it is filled from a batch. */
export interface GraphInput<Batch> {
  readonly shape: Shape;
  /** @default the graph's float type */
  readonly dtype?: "int32";
  fill(batch: Batch): Numbers;
}

/** Inputs by the names that they have in a graph. */
export type InputTable<Batch, Name extends string = string> = Readonly<
  Record<Name, GraphInput<Batch>>
>;

/** Whether an operator may stand in a graph with these attributes. */
export type Accepts = (op: AnyOp, attributes: Attributes) => boolean;

/** Options of a {@linkcode Graph}. */
export interface GraphOptions {
  /**
   * Type of its arithmetic; "float64" makes finite differences exact.
   *
   * @default "float32"
   */
  float?: Float;
  /** Whether an operator may stand in this graph; if not it is lowered. @default all */
  accepts?: Accepts;
  /** Whether an output is small enough for its operator; if not it is halved. @default all */
  fits?: (op: AnyOp, output: Type) => boolean;
}

/** Nodes in topological order, grown by appending. */
export class Graph {
  /** Type of its arithmetic. */
  readonly float: Float;
  /** Nodes, each after those it reads. */
  readonly nodes: Node[] = [];
  /** Values that a run feeds. */
  readonly inputs: Value[] = [];
  /** Values that are fixed. */
  readonly constants: Constant[] = [];
  /**
   * Places between nodes, as numbers of nodes before them: what lies between two
   * of them in a row, a layer, may be computed again.
   */
  readonly marks: number[] = [];
  /** Whether an operator may stand in this graph; if not it is lowered. */
  readonly accepts: Accepts;
  readonly #fits: (op: AnyOp, output: Type) => boolean;
  readonly #shared = new Map<string, Value>();
  #names = 0;

  /** An empty graph. */
  constructor(
    { float = "float32", accepts = () => true, fits = () => true }:
      GraphOptions = {},
  ) {
    this.float = float;
    this.accepts = accepts;
    this.#fits = fits;
  }

  /** Declares an input, fed at each run. */
  input(name: string, shape: Shape, dtype: DType = this.float): Value {
    if (this.inputs.some((input) => input.name === name)) {
      throw new RangeError(
        `Cannot declare input "${name}": the graph has one already`,
      );
    }
    const value = this.#value({ dtype, shape }, name);
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
    const value = this.#value(
      { dtype: dtypeOf(data), shape },
      this.#newName("const"),
    );
    this.constants.push({ value, data });
    return value;
  }

  /** Adds a constant that stays where it is, in its file or in memory. */
  external(type: Type, data: External | Held): Value {
    const value = this.#value(type, this.#newName("weight"));
    this.constants.push({ value, data });
    return value;
  }

  /** Marks the place behind the last node. */
  mark(): void {
    this.marks.push(this.nodes.length);
  }

  /**
   * Appends a node like another one of this graph, on other inputs, that runs as
   * late as its readers let it; its outputs.
   */
  applyAgain({ op, attributes }: Node, inputs: Values): Values {
    const outputs = infer(op, inputs, attributes).map((type) =>
      this.#value(type, this.#newName(op.name))
    );
    this.nodes.push({ op, inputs, outputs, attributes, isLate: true });
    return outputs;
  }

  /** Appends one node, or those it is lowered to, and returns its outputs. */
  apply<O extends Values>(
    op: Op<Values, Attributes, O>,
    inputs: Values,
    attributes: Attributes,
  ): O {
    const types = infer(op, inputs, attributes);
    const halved = types.every((type) => this.#fits(op, type))
      ? null
      : op.halve?.(inputs, attributes);
    const lowered = halved ??
      (this.accepts(op, attributes)
        ? undefined
        : op.lower?.(inputs, attributes));
    const outputs = types.slice(0, lowered?.length).map((type, i) =>
      this.#value(type, lowered?.[i]?.name ?? this.#newName(op.name))
    );
    if (!standFor<O>(outputs, types)) {
      throw new TypeError(
        `Cannot lower ${op.name}: found ${outputs.length} outputs, expected ${types.length}`,
      );
    }
    if (!lowered) this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  #value({ dtype, shape }: Type, name: string): Value {
    return { name, dtype, shape, graph: this };
  }

  #newName(stem: string): string {
    return `${stem}_${this.#names++}`;
  }

  #share(key: string, make: () => Value): Value {
    const value = this.#shared.get(key) ?? make();
    this.#shared.set(key, value);
    return value;
  }
}

/** Attributes may be left out where an operator requires none. */
export type Given<A> = NoAttributes extends A ? [attributes?: A]
  : [attributes: A];

/** Applies an operator and returns its first output; numbers become scalars. */
export function apply<
  I extends Values,
  A extends Attributes,
  O extends readonly [Value, ...Values],
>(
  op: Op<I, A, O>,
  operands: Each<I, Operand>,
  ...attributes: Given<A>
): O[0] {
  return applyAll(op, operands, ...attributes)[0];
}

/** Applies an operator and returns its outputs; numbers become scalars. */
export function applyAll<
  I extends Values,
  A extends Attributes,
  O extends Values,
>(
  op: Op<I, A, O>,
  operands: Each<I, Operand>,
  ...[attributes]: Given<A>
): O {
  const graph = operands.find((operand) => typeof operand !== "number")?.graph;
  if (!graph) {
    throw new TypeError(
      `Cannot apply ${op.name}: found numbers only, expected a value among the operands`,
    );
  }
  const inputs = operands.map((operand) =>
    typeof operand === "number" ? graph.scalar(operand) : operand
  );
  return graph.apply(op, inputs, attributes ?? {});
}

/** The text of a type, as errors show it: `float32[N, 64]`. */
export function describe({ dtype, shape }: Type): string {
  return `${dtype}[${shape.join(", ")}]`;
}

/** The type rule of operators whose result has the type of their first input. */
export function sameType(
  [{ dtype, shape }]: readonly [Value, ...Values],
): readonly [Type] {
  return [{ dtype, shape }];
}

/** @throws RangeError if a shape has no such axis, which may be negative. */
export function dimAt({ shape }: Type, axis: number): Dim {
  const dim = shape.at(axis);
  if (dim !== undefined) return dim;
  throw new RangeError(`[${shape.join(", ")}] has no axis ${axis}`);
}

/** @throws RangeError if the size of an axis is known at a run only. */
export function sizeAt(x: Type, axis: number): number {
  const dim = dimAt(x, axis);
  if (typeof dim === "number") return dim;
  throw new RangeError(`dimension ${dim} is unknown, expected a number`);
}

/** Whether shapes have the same dimensions, by size or by name. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** Whether there is a value for each type. */
function standFor<O extends Values>(
  values: Values,
  types: Each<O, Type>,
): values is O {
  return values.length === types.length;
}

function infer<O extends Values>(
  op: Op<Values, Attributes, O>,
  inputs: Values,
  attributes: Attributes,
): Each<O, Type> {
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
