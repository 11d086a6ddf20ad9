import {
  type Constant,
  Graph,
  type Node,
  type Op,
  type Value,
  type Values,
} from "./graph/graph.ts";
import { type DType, sameType } from "./graph/tensor_type.ts";
import { lower, shapedAs } from "./lower.ts";
import { type Applied, ruleFor } from "./precision_rules.ts";
import { type Device, type Half, HALVES, type Precision } from "./providers.ts";

/**
 * A lowered graph with its products in 16 bits and casts where types meet:
 * inputs and outputs stay in float32, and so do sums and whatever follows from
 * them. It is the rule of torch.autocast, with which the stream between a
 * decoder's blocks is in float32:
 * https://docs.pytorch.org/docs/stable/amp.html#autocast-op-reference
 *
 * Matrices that are not trained are rounded once, and held so. On a device
 * without kernels for the type each product and each sum is computed in float32
 * and rounded, as those kernels do it. The runs in results/precision differ in
 * nothing else than the format.
 */
export function inPrecision(
  { graph, outputs }: Lowered,
  { precision, device }: { precision: Precision; device: Device },
): Lowered {
  const half = HALVES[precision];
  if (half === null) return { graph, outputs };
  const rounding = new Rounding(graph, {
    half,
    isNative: (node) => device !== "cpu" || ruleFor(node) === "move",
  });
  for (const node of graph.nodes) rounding.add(node);
  return lower(outputs.map((output) => rounding.wide(output)), () => true);
}

/** A graph and its outputs. */
export interface Lowered {
  readonly graph: Graph;
  readonly outputs: readonly Value[];
}

/**
 * Which type a value asks of its readers; a literal asks for none, and whole
 * numbers have no other.
 */
type Kind = "half" | "float32" | "literal" | "exact";

/** A value of the source in both types, each made when it is first read. */
interface Rounded {
  readonly kind: Kind;
  readonly float32: () => Value;
  readonly half: () => Value;
  /** Whether it is a weight that is held in 16 bits. @default false */
  readonly isWeight?: boolean;
  /** Whether it is fed: what moves parts of it does so before they are rounded. @default false */
  readonly isInput?: boolean;
}

/** A product, and what it reads. */
interface Product {
  readonly node: Node;
  readonly read: readonly Rounded[];
}

/** Forward only, as gradients are derived before. */
const Cast: Op<readonly [x: Value], { to: DType }> = {
  name: "Cast",
  written: { to: "type" },
  infer: ([{ shape }], { to }) => [{ dtype: to, shape }],
};

/** x + y of one shape. */
const Add: Op<readonly [x: Value, y: Value]> = {
  name: "Add",
  infer: sameType,
};

/** Made anew for each reader, so that no wide copy waits for the backward pass. */
const CastUp: typeof Cast = { ...Cast, rematerialize: true };

class Rounding {
  readonly #graph = new Graph();
  readonly #half: Half;
  readonly #isNative: (node: Applied) => boolean;
  readonly #values = new Map<string, Rounded>();
  /** Products to which no more than a bias is added yet, by their names. */
  readonly #layers = new Map<string, Product>();
  /** Names of constants and of their casts, which a session makes once. */
  readonly #isFixed = new Set<string>();
  readonly #casts = new Map<string, Value>();

  constructor(
    source: Graph,
    { half, isNative }: { half: Half; isNative: (node: Applied) => boolean },
  ) {
    this.#half = half;
    this.#isNative = isNative;
    for (const { name, shape, dtype } of source.inputs) {
      const value = this.#graph.input(name, shape, dtype);
      this.#values.set(name, { ...this.#of(value), isInput: true });
    }
    for (const constant of source.constants) {
      this.#values.set(constant.value.name, this.#constant(constant));
    }
  }

  /** A value of the source in its own type. */
  wide({ name }: Value): Value {
    return this.#values.get(name)!.float32();
  }

  add(node: Node): void {
    const read = node.inputs.map(({ name }) => this.#values.get(name)!);
    const results = this.#results(node, read);
    node.outputs.forEach(({ name }, i) => this.#values.set(name, results[i]!));
  }

  #results(node: Node, read: readonly Rounded[]): readonly Rounded[] {
    if (node.op.name === "Cast") return [this.#cast(node, read[0]!)];
    const rule = ruleFor(node);
    if (rule === "product") return [this.#product(node, read)];
    if (rule === "move") return this.#moved(node, read);
    const type = rule === "follow" && kindOf(read) === "half"
      ? "half"
      : "float32";
    return this.#apply(node, read, type).map((value) => this.#of(value));
  }

  /** The stored bytes of a weight serve as they are, without the detour. */
  #cast({ op, inputs: [x], attributes }: Node, read: Rounded): Rounded {
    const from = read.float32();
    const [value] = this.#graph.apply(op, [from], attributes);
    const { dtype, shape } = x!;
    if (dtype !== "float16" && dtype !== "bfloat16") return this.#of(value!);
    // It is to be widened for each reader, not once.
    if (op.rematerialize) this.#isFixed.delete(from.name);
    return {
      kind: "float32",
      float32: () => value!,
      half: once(() =>
        dtype === this.#half ? from : this.#to(this.#half, from)
      ),
      isWeight: shape.length > 1,
    };
  }

  /** Operands and product are in 16 bits; a sum in float32 takes no part in it. */
  #product(node: Node, read: readonly Rounded[]): Rounded {
    const { inputs: [, , third], outputs: [output] } = node;
    const sum = read[2];
    const isRow = third !== undefined && third.shape.length < 2;
    if (sum?.kind === "float32" && !isRow) {
      const [y] = this.#apply(node, read.slice(0, 2), "half");
      return this.#sum(sum, this.#of(y!), "float32");
    }
    const layer = third && this.#layers.get(third.name);
    if (layer) return this.#adapted(layer, node, read);
    // Others take no third operand.
    if (node.op.name === "Gemm" && (!sum || isRow)) {
      this.#layers.set(output!.name, { node, read });
    }
    return this.#of(this.#apply(node, read, "half")[0]!);
  }

  /**
   * A product is rounded, and then its sum with a layer's. The other way round an
   * adapter's part, which is small beside the layer's, would be rounded away
   * wherever it is below half a unit of the layer's last digit.
   */
  #adapted(layer: Product, node: Node, read: readonly Rounded[]): Rounded {
    const [part] = this.#apply(node, read.slice(0, 2), "half");
    const [x, w, bias] = layer.read;
    const inputs = [...layer.node.inputs.slice(0, 2), node.outputs[0]!];
    const operands = [x!, w!, this.#of(part!)];
    const [y] = this.#apply({ ...layer.node, inputs }, operands, "half");
    return bias ? this.#sum(this.#of(y!), bias, "half") : this.#of(y!);
  }

  #sum(x: Rounded, y: Rounded, type: "half" | "float32"): Rounded {
    const inputs = [x[type](), y[type]()];
    const node = { op: Add, inputs, attributes: {} };
    return this.#of(this.#apply(node, [x, y], type)[0]!);
  }

  #moved(node: Node, read: readonly Rounded[]): readonly Rounded[] {
    const kind = kindOf(read);
    if (kind === "exact") {
      return this.#apply(node, read, "float32").map(asItIs);
    }
    const [first] = read;
    const isWeight = first?.isWeight ?? false;
    const narrow = once(() => this.#apply(node, read, "half"));
    const wide = once(() =>
      isWeight
        ? narrow().map((value) => this.#of(value).float32())
        : this.#apply(node, read, "float32")
    );
    return node.outputs.map((_, i) => ({
      kind,
      float32: kind === "half"
        ? once(() => this.#of(narrow()[i]!).float32())
        : () => wide()[i]!,
      half: first?.isInput
        ? once(() => this.#to(this.#half, wide()[i]!))
        : () => narrow()[i]!,
    }));
  }

  #apply(
    node: Applied,
    read: readonly Rounded[],
    type: "half" | "float32",
  ): Values {
    const { op, inputs: sources, attributes } = node;
    const inputs = read.map((x, i) => shapedAs(x[type](), sources[i]!.shape));
    if (type === "float32" || this.#isNative(node)) {
      return this.#graph.apply(op, inputs, attributes);
    }
    const wide = inputs.map((x) => this.#of(x).float32());
    return this.#graph.apply(op, wide, attributes)
      .map((value) => this.#to(this.#half, value));
  }

  #constant({ value: { name: _, ...type }, data }: Constant): Rounded {
    const isStored = "file" in data || "held" in data;
    const value = isStored
      ? this.#graph.external(type, data)
      : this.#graph.constant(data, type.shape as readonly number[]);
    this.#isFixed.add(value.name);
    if (type.dtype !== "float32") return asItIs(value);
    return isStored
      ? { ...this.#of(value), isWeight: type.shape.length > 1 }
      : { ...this.#of(value), kind: "literal" };
  }

  /** A value of the new graph, to be cast as it is read. */
  #of(value: Value): Rounded {
    const { float32, half } = asItIs(value);
    if (value.dtype === "float32") {
      const rounded = once(() => this.#to(this.#half, value));
      return { kind: "float32", float32, half: rounded };
    }
    if (value.dtype !== this.#half) return asItIs(value);
    const wide = once(() => this.#to("float32", value));
    return { kind: "half", half, float32: wide };
  }

  #to(to: DType, value: Value): Value {
    if (!this.#isFixed.has(value.name)) {
      const cast = to === "float32" ? CastUp : Cast;
      return this.#graph.apply(cast, [value], { to })[0];
    }
    const key = `${to} ${value.name}`;
    const known = this.#casts.get(key);
    if (known) return known;
    const [result] = this.#graph.apply(Cast, [value], { to });
    this.#casts.set(key, result);
    this.#isFixed.add(result.name);
    return result;
  }
}

/** A value that is cast for no reader. */
function asItIs(value: Value): Rounded {
  return { kind: "exact", float32: () => value, half: () => value };
}

/** The type that operands ask of a node together. */
function kindOf(read: readonly Rounded[]): Kind {
  const kinds = new Set(read.map(({ kind }) => kind));
  const order: readonly Kind[] = ["float32", "half", "literal"];
  return order.find((kind) => kinds.has(kind)) ?? "exact";
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
