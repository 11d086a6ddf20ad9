import { Graph, type Value } from "./onnx/graph.ts";
import { add, div, mul, sqrt, sub } from "./ops/elementwise.ts";
import { sum } from "./ops/shaping.ts";

/** Numbers of AdamW that hold for a whole run. */
export interface AdamWOptions {
  /** Decay of the mean of gradients. @default 0.9 */
  beta1?: number;
  /** Decay of the mean of their squares. @default 0.999 */
  beta2?: number;
  /** Added to the root of the latter. @default 1e-8 */
  epsilon?: number;
}

/** An optimizer: the state it keeps for each parameter, and one step as a graph. */
export interface Optimizer {
  readonly name: string;
  /** Names of what it keeps for each element of the parameters; all start at 0. */
  readonly slots: readonly string[];
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

export interface StepOptions {
  readonly learningRate: number;
  /** Decoupled weight decay, relative to the learning rate. */
  readonly weightDecay: number;
  /** Factor of the gradient: what clipping leaves of it. */
  readonly gradientScale: number;
}

/**
 * AdamW, algorithm 2 of https://arxiv.org/abs/1711.05101, in the order of
 * operations of torch.optim.AdamW:
 *
 *     p ← (1 − η w) p
 *     m ← m + (1 − β₁)(g − m),  v ← β₂ v + (1 − β₂) g²
 *     p ← p − η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
 */
export function adamW(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamWOptions = {},
): Optimizer {
  return {
    name: "adamw",
    slots: ["mean", "square"],
    update: () => {
      const graph = new Graph();
      const vector = (name: string) => graph.input(name, ["n"]);
      const scalar = (name: string) => graph.input(name, []);
      const gradient = mul(vector("gradient"), scalar("gradientScale"));
      const mean = lerp(vector("mean"), gradient, 1 - beta1);
      const square = add(
        mul(vector("square"), beta2),
        mul(mul(gradient, gradient), 1 - beta2),
      );
      const root = mul(sqrt(square), scalar("rootScale"));
      const direction = div(mean, add(root, epsilon));
      const kept = mul(vector("parameter"), scalar("kept"));
      const parameter = sub(kept, mul(direction, scalar("stepSize")));
      return { parameter, mean, square };
    },
    scalars: (step, { learningRate, weightDecay, gradientScale }) => ({
      gradientScale,
      kept: 1 - learningRate * weightDecay,
      stepSize: learningRate / (1 - beta1 ** step),
      rootScale: 1 / Math.sqrt(1 - beta2 ** step),
    }),
  };
}

function lerp(from: Value, to: Value, share: number): Value {
  return add(from, mul(sub(to, from), share));
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

/** Names of the learning-rate schedules. */
export const SCHEDULES = ["constant", "linear", "cosine"] as const;
export type Schedule = typeof SCHEDULES[number];

/** Share of the learning rate left after the warm-up, for `progress` in [0, 1]. */
const DECAY: Record<Schedule, (progress: number) => number> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
};

export interface ScheduleOptions {
  /** Steps of the whole run. */
  steps: number;
  /** Steps over which the rate rises linearly from 0. */
  warmup: number;
}

/**
 * Share of the learning rate at a step counted from 1, as transformers'
 * schedulers have it: the first step of a warm-up has rate 0.
 */
export function scheduled(
  schedule: Schedule,
  step: number,
  { steps, warmup }: ScheduleOptions,
): number {
  const done = step - 1;
  if (done < warmup) return done / warmup;
  return DECAY[schedule]((done - warmup) / Math.max(1, steps - warmup));
}
