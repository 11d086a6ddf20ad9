import {
  type ConstantData,
  dtypeOf,
  type External,
  type Held,
} from "./constant_data.ts";
import {
  describe,
  type DType,
  type Float,
  type Shape,
  type Type,
} from "./tensor_type.ts";

/** A tensor of a graph. */
export interface Value extends Type {
  /** Name in its graph. */
  readonly name: string;
  /** The graph it belongs to. */
  readonly graph: Graph;
}

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
   * Whether it adds part after part to a sum, which stays in float32 where
   * products are in 16 bits: else its rounding grew with the parts.
   * @default false
   */
  readonly accumulates?: boolean;
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

/** A value that no node computes and no run feeds. */
export interface Constant {
  /** The value in the graph. */
  readonly value: Value;
  /** Its numbers, or where they lie. */
  readonly data: ConstantData | External | Held;
}

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
    return this.#share(`scalar ${x}`, () => this.numbers([x], []));
  }

  /** A list of integers, such as axes or a shape; equal ones are shared. */
  integers(list: readonly number[]): Value {
    const data = BigInt64Array.from(list, BigInt);
    return this.#share(
      `integers ${list}`,
      () => this.constant(data, [list.length]),
    );
  }

  /** Adds a constant of the graph's float type. @param shape one axis by default */
  numbers(
    list: ArrayLike<number>,
    shape: readonly number[] = [list.length],
  ): Value {
    const data = this.float === "float64"
      ? Float64Array.from(list)
      : Float32Array.from(list);
    return this.constant(data, shape);
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
