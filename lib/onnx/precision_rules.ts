import type { Node } from "./graph/graph.ts";

/** An operator, and the values that it is applied to. */
export type Applied = Pick<Node, "op" | "inputs" | "attributes">;

/**
 * How a node computes where products are in 16 bits: as a product; moving
 * numbers, in the type that their reader wants; in the widest type of its
 * operands; or in float32.
 */
export type Rule = "product" | "move" | "follow" | "float32";

/** Kernels carry the sums of products in float32, and round once. */
const PRODUCTS = ["MatMul", "FusedMatMul", "Gemm"];

/** Operators that change no number. */
const MOVES = [
  ...["Identity", "Reshape", "Transpose", "Squeeze", "Unsqueeze"],
  ...["Gather", "GatherElements", "Concat", "Slice", "Split"],
];

/** Operators that PyTorch computes in the widest type of their operands, too. */
const FOLLOWING = [
  ...["Add", "Sub", "Mul", "Neg", "Min", "Sigmoid", "Tanh", "Gelu"],
];

const RULES: ReadonlyMap<string, Rule> = new Map([
  ...PRODUCTS.map((name) => [name, "product"] as const),
  ...MOVES.map((name) => [name, "move"] as const),
  ...FOLLOWING.map((name) => [name, "follow"] as const),
]);

/**
 * The rule for a node. Exponentials, quotients, roots, sums, softmax and norms
 * are in float32, and so are squares, which leave float16's range soonest, and
 * sums over many parts.
 */
export function ruleFor({ op, inputs: [x, y] }: Applied): Rule {
  const isSquare = op.name === "Mul" && x?.name === y?.name;
  return isSquare || op.accumulates
    ? "float32"
    : RULES.get(op.name) ?? "float32";
}
