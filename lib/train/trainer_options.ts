import { MICRO_TOKENS } from "../data/sampler.ts";
import { ALONE, type Group } from "../distributed/group.ts";
import type { Loss } from "../losses/loss.ts";
import type { LossOptionValues } from "../losses/options.ts";
import type { Policy } from "../models/policy.ts";
import type { Device, Precision } from "../onnx/providers.ts";
import { adamW, type Optimizer } from "../optim.ts";
import { headChunks } from "./forward_pass.ts";
import { isScaled } from "./loss_scale.ts";
import { buildObjective, type Objective } from "./objective.ts";

/** Options of a {@linkcode Trainer}. */
export interface TrainerOptions {
  /** The policy to train. */
  policy: Policy;
  /** The loss to minimise. */
  loss: Loss;
  /** The loss's choices are compiled in; its numbers may change at each step. */
  lossOptions: LossOptionValues;
  /** The device that computes. @default "cpu" */
  device?: Device;
  /**
   * Number format of products and activations. What is trained, its gradients'
   * sums and the optimizer's state are in float32. @default "float32"
   */
  precision?: Precision;
  /** Threads that share the work of one operator, on CPU. @default 1 */
  threads?: number;
  /**
   * Slots (rows × longest row) of a micro-batch: bounds memory and changes
   * nothing else. @default MICRO_TOKENS
   */
  microTokens?: number;
  /**
   * Tiles that attention within prompts and continuations is cut into, so that
   * scores of hidden keys are not computed; 0 for attention in rows, which is
   * faster where rows are short. Moves the last digits only. @default 0
   */
  attentionCuts?: number;
  /**
   * Layers, from the first, whose activations the backward pass computes again
   * rather than keeps, which takes less memory and more time and moves no bit.
   * @default 0
   */
  recomputedLayers?: number;
  /** Refuses a training step that would leave the device. @default false */
  strict?: boolean;
  /** How parameters follow gradients. @default adamW() */
  optimizer?: Optimizer;
  /**
   * The processes that train the same policy on the same batches; each takes a
   * share of what is computed, and all have the result. @default this one alone
   */
  group?: Group;
}

/** The options of a trainer, with the defaults of those that are absent. */
export function withDefaults(
  options: TrainerOptions,
): Required<TrainerOptions> {
  return {
    device: "cpu",
    precision: "float32",
    threads: 1,
    microTokens: MICRO_TOKENS,
    attentionCuts: 0,
    recomputedLayers: 0,
    strict: false,
    optimizer: adamW(),
    group: ALONE,
    ...options,
  };
}

/** The graph of a trainer's loss, with its gradients. */
export function objectiveOf(options: TrainerOptions): Objective {
  const { policy, loss, lossOptions, ...rest } = withDefaults(options);
  const { microTokens, attentionCuts, recomputedLayers, precision } = rest;
  return buildObjective(policy, loss, {
    lossOptions,
    chunks: headChunks(policy.config, microTokens),
    attentionCuts,
    recomputedLayers,
    isScaled: isScaled(precision),
  });
}
