import { Graph, type Value } from "./onnx/graph/graph.ts";
import { add, cast, div, greater, mul, sqrt, sub } from "./ops/elementwise.ts";
import { sum } from "./ops/shaping.ts";

/** An optimizer: the state it keeps for each parameter, and one step as a graph. */
export interface Optimizer {
  /** Name in records. */
  readonly name: string;
  /** Names of the numbers that it keeps for each parameter; all start at 0. */
  readonly slots: readonly string[];
  /** Whether the weight decay applies to a parameter. */
  decays(parameter: { readonly shape: readonly number[] }): boolean;
  /**
   * The graph of a step over a flat piece `[n]` of the parameters, with inputs
   * `parameter`, `gradient`, a slot each, and the scalars of `scalars()`.
   *
   * @returns outputs by name: `parameter` and the slots.
   */
  update(): Record<string, Value>;
  /** The scalars of one step, steps counted from 1. */
  scalars(step: number, options: StepOptions): Record<string, number>;
}

/** Numbers of one step. */
export interface StepOptions {
  /** Learning rate of the step. */
  readonly learningRate: number;
  /** Decoupled weight decay, relative to the learning rate. */
  readonly weightDecay: number;
  /** Share of the gradient that clipping leaves. */
  readonly gradientScale: number;
}

/** A number of each step, counted from 1. */
export type PerStep = (
  numbers: StepOptions & { readonly step: number },
) => number;

/** A step in the making, after some links of a chain. */
export interface Draft {
  /** The parameter's next value so far. */
  readonly parameter: Value;
  /** Subtracted from the parameter once the learning rate has scaled it. */
  readonly direction: Value;
  /** Divides the learning rate: the correction of a mean's bias. */
  readonly divisor: PerStep;
  /** Next values of the slots, by name. */
  readonly slots: Readonly<Record<string, Value>>;
  /** The mask of the weight decay. */
  readonly decays: Optimizer["decays"];
}

/** Declares the inputs of a link of a chain. */
export interface LinkInputs {
  /** The numbers that the optimizer keeps under a name, 0 at first. */
  slot(name: string): Value;
  /** A number fed at each step. */
  scalar(name: string, value: PerStep): Value;
}

/** One link of an optimizer: optax's GradientTransformation, as one function. */
export type Link = (draft: Draft, inputs: LinkInputs) => Draft;

/**
 * An optimizer as a chain of links. It begins with the gradient as direction and
 * no weight decay; {@linkcode scaleByLearningRate} moves the parameters.
 *
 * @example Gradient descent with momentum, without weight decay
 * ```ts
 * import { chain, clip, scaleByLearningRate, trace } from "@prefgrad/prefgrad/train";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const heavyBall = chain("heavy ball", clip, trace(0.9), scaleByLearningRate);
 * deepStrictEqual(heavyBall.slots, ["velocity"]);
 * ```
 *
 * @throws RangeError if two links declare the same name.
 */
export function chain(name: string, ...links: Link[]): Optimizer {
  const graph = new Graph();
  const scalars = new Map<string, PerStep>();
  const vector = (name: string) => graph.input(name, ["n"]);
  const inputs: LinkInputs = {
    slot: vector,
    scalar: (name, value) => {
      scalars.set(name, value);
      return graph.input(name, []);
    },
  };
  const { parameter, slots, decays } = links.reduce<Draft>(
    (draft, link) => link(draft, inputs),
    {
      parameter: vector("parameter"),
      direction: vector("gradient"),
      divisor: () => 1,
      slots: {},
      decays: () => false,
    },
  );
  return {
    name,
    slots: Object.keys(slots),
    decays,
    update: () => ({ parameter, ...slots }),
    scalars: (step, options) =>
      Object.fromEntries(
        [...scalars].map((
          [name, value],
        ) => [name, value({ step, ...options })]),
      ),
  };
}

/** Scales the gradient by the share that clipping leaves. */
export const clip: Link = (draft, { scalar }): Draft => {
  const share = scalar("gradientScale", ({ gradientScale }) => gradientScale);
  return { ...draft, direction: mul(draft.direction, share) };
};

/** Takes the decay from the parameters that a mask has: p ← (1 − η w) p. */
export const addDecayedWeights =
  (mask: Optimizer["decays"]): Link => (draft, { scalar }) => {
    const kept = scalar(
      "kept",
      ({ learningRate, weightDecay }) => 1 - learningRate * weightDecay,
    );
    return {
      ...draft,
      parameter: mul(draft.parameter, kept),
      decays: mask,
    };
  };

/** Takes the step: p ← p − η · direction. */
export const scaleByLearningRate: Link = (draft, { scalar }): Draft => {
  const { parameter, direction, divisor } = draft;
  const size = scalar(
    "stepSize",
    (numbers) => numbers.learningRate / divisor(numbers),
  );
  return { ...draft, parameter: sub(parameter, mul(direction, size)) };
};

/** The mask of matrices: biases and the factors of norms do not decay. */
export const isMatrix: Optimizer["decays"] = ({ shape }): boolean =>
  shape.length > 1;

/** Links between clipping and the decay of matrices. */
const clippedAndDecayed = (name: string, ...links: Link[]): Optimizer =>
  chain(
    name,
    clip,
    ...links,
    addDecayedWeights(isMatrix),
    scaleByLearningRate,
  );

/** Numbers of Adam that hold for a whole run. */
export interface AdamOptions {
  /** Decay of the mean of gradients. @default 0.9 */
  beta1?: number;
  /** Decay of the mean of their squares. @default 0.999 */
  beta2?: number;
  /** Added to the root of the latter. @default 1e-8 */
  epsilon?: number;
}

/**
 * Adam's direction, algorithm 1 of https://arxiv.org/abs/1412.6980, in the order
 * of operations of torch.optim.AdamW:
 *
 *     m ← m + (1 − β₁)(g − m),  v ← β₂ v + (1 − β₂) g²
 *     direction 1/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
 */
export const scaleByAdam =
  ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {}): Link =>
  (draft, { slot, scalar }) => {
    const gradient = draft.direction;
    const mean = lerp(slot("mean"), gradient, 1 - beta1);
    const square = add(
      mul(slot("square"), beta2),
      mul(mul(gradient, gradient), 1 - beta2),
    );
    const correction = scalar(
      "rootScale",
      ({ step }) => 1 / Math.sqrt(1 - beta2 ** step),
    );
    const root = mul(sqrt(square), correction);
    return {
      ...draft,
      direction: div(mean, add(root, epsilon)),
      divisor: ({ step }) => 1 - beta1 ** step,
      slots: { ...draft.slots, mean, square },
    };
  };

/** AdamW, algorithm 2 of https://arxiv.org/abs/1711.05101, as torch has it. */
export const adamW = (options: AdamOptions = {}): Optimizer =>
  clippedAndDecayed("adamw", scaleByAdam(options));

/** Gradients that add up: b ← μ b + g, as torch.optim.SGD has its momentum. */
export const trace = (momentum: number): Link => (draft, { slot }) => {
  const velocity = add(mul(slot("velocity"), momentum), draft.direction);
  return {
    ...draft,
    direction: velocity,
    slots: { ...draft.slots, velocity },
  };
};

/**
 * Gradient descent with momentum and decoupled weight decay, algorithm 1 of
 * https://arxiv.org/abs/1711.05101.
 *
 * @param options `momentum` is the share of a direction in the next one.
 */
export const sgd = ({ momentum = 0.9 } = {}): Optimizer =>
  clippedAndDecayed("sgd", trace(momentum));

/** Numbers of Lion that hold for a whole run. */
export interface LionOptions {
  /** Share of the mean in the direction. @default 0.9 */
  beta1?: number;
  /** Decay of the mean of gradients. @default 0.99 */
  beta2?: number;
}

/** Lion's direction: sign(β₁ m + (1 − β₁) g), with m ← β₂ m + (1 − β₂) g. */
export const scaleByLion =
  ({ beta1 = 0.9, beta2 = 0.99 }: LionOptions = {}): Link =>
  (draft, { slot }) => {
    const before = slot("mean");
    const mixed = lerp(before, draft.direction, 1 - beta1);
    const mean = lerp(before, draft.direction, 1 - beta2);
    return {
      ...draft,
      direction: sign(mixed),
      slots: { ...draft.slots, mean },
    };
  };

/**
 * Lion, algorithm 2 of https://arxiv.org/abs/2302.06675, which advises a learning
 * rate 3 to 10 times smaller than AdamW's and a weight decay as much larger.
 */
export const lion = (options: LionOptions = {}): Optimizer =>
  clippedAndDecayed("lion", scaleByLion(options));

/** Names of the optimizers that a run can choose. */
export const OPTIMIZER_NAMES = ["adamw", "sgd", "lion"] as const;
/** One of {@linkcode OPTIMIZER_NAMES}. */
export type OptimizerName = typeof OPTIMIZER_NAMES[number];

/** Each optimizer with its defaults. */
export const OPTIMIZERS: Readonly<Record<OptimizerName, Optimizer>> = {
  adamw: adamW(),
  sgd: sgd(),
  lion: lion(),
};

function lerp(from: Value, to: Value, share: number): Value {
  return add(from, mul(sub(to, from), share));
}

/** −1, 0 or 1. */
function sign(x: Value): Value {
  const [above, below] = [greater(x, 0), greater(0, x)];
  return sub(cast(above, x.dtype), cast(below, x.dtype));
}

/** The graph of Σ x² over a flat piece `[n]`, input `gradient`. */
export function squaredNorm(): Record<string, Value> {
  const gradient = new Graph().input("gradient", ["n"]);
  return { squares: sum(mul(gradient, gradient)) };
}

/**
 * Factor that brings a gradient's norm down to `limit`, as
 * torch.nn.utils.clip_grad_norm_ has it; no limit at 0.
 */
export function clippingScale(norm: number, limit: number): number {
  return limit > 0 ? Math.min(1, limit / (norm + 1e-6)) : 1;
}
