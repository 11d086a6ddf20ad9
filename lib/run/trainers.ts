import { suitedCuts } from "../data/tree_batch.ts";
import { OPTIMIZERS } from "../optim.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { Trainer } from "../train/trainer.ts";
import type { TrainerOptions } from "../train/trainer_options.ts";
import type { TrainingPlan } from "../train/loop.ts";
import type { Device } from "../onnx/providers.ts";
import type { InputsInMemory, RunInputs } from "./inputs.ts";
import type { TrainSettings } from "./settings.ts";

/**
 * Compiled trainers, kept for the runs of one process: runs of one policy and
 * one loss that differ in numbers only share their graphs.
 */
export class Trainers implements AsyncDisposable {
  /** Those used last come last. */
  readonly #kept: {
    readonly options: TrainerOptions;
    readonly key: string;
    readonly trainer: Trainer;
  }[] = [];

  /**
   * @param most trainers that are kept at a time, each with its graphs' memory;
   * those unused for longest go first.
   */
  constructor(private readonly most = Infinity) {}

  /** A trainer that stands at the policy's initial values. */
  async get(options: TrainerOptions): Promise<Trainer> {
    const { policy, loss, optimizer, group } = options;
    const key = compiledKey(options);
    const at = this.#kept.findIndex((kept) =>
      kept.options.policy === policy && kept.options.loss === loss &&
      kept.options.optimizer === optimizer &&
      kept.options.group === group &&
      kept.key === key
    );
    const [known] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (known) {
      this.#kept.push(known);
      await known.trainer.restart(policy.initial);
      return known.trainer;
    }
    await this.#keepOnly(this.most - 1);
    // Kept once it is made: one that fails leaves nothing to be released.
    const trainer = await Trainer.create(options);
    this.#kept.push({ options, key, trainer });
    return trainer;
  }

  /** Frees every trainer. */
  async release(): Promise<void> {
    await this.#keepOnly(0);
  }

  async #keepOnly(count: number): Promise<void> {
    const surplus = Math.max(0, this.#kept.length - count);
    for (const { trainer } of this.#kept.splice(0, surplus)) {
      await trainer.release();
    }
  }

  /** @internal */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** The options that are compiled in; numbers of a loss are inputs of its graph. */
function compiledKey(
  { policy: _p, loss, lossOptions, optimizer: _o, group: _g, ...compiled }:
    TrainerOptions,
): string {
  const variants = Object.entries(lossOptions).filter(([name]) =>
    loss.options[name]?.kind !== "number"
  );
  return canonicalJson({
    ...compiled,
    variants: Object.fromEntries(variants),
  });
}

/** A run that is read and planned. */
export interface PlannedRun {
  /** Device, limits, micro-batches and the loss's options are resolved. */
  readonly settings: TrainSettings & { readonly device: Device };
  readonly inputs: RunInputs;
  readonly plan: TrainingPlan;
}

/**
 * How a run's trainer computes.
 *
 * @internal
 */
export function trainerOptions(
  { inputs, plan, settings }: PlannedRun,
  { optimizer }: Pick<InputsInMemory, "optimizer"> = {},
): TrainerOptions {
  const { device, precision, threads, microTokens } = settings;
  return {
    policy: inputs.model.policy,
    loss: inputs.loss,
    lossOptions: inputs.options,
    device,
    precision,
    threads,
    microTokens,
    attentionCuts: suitedCuts([...plan.examples, ...plan.evalExamples]),
    recomputedLayers: settings.recomputeLayers ?? 0,
    optimizer: optimizer ?? OPTIMIZERS[settings.optimizer],
  };
}
