import { type Example, lossLengths } from "../data/example.ts";
import { pairsTogether } from "../data/labelled_pairs.ts";
import {
  byPreference,
  groupMeans,
  mean,
  rounding,
  withoutNaN,
} from "./metrics.ts";
import { tensorsOf } from "./trained_parameters.ts";
import type { Reference } from "./reference.ts";
import { correlation } from "../stats/describe.ts";
import type { TrainingPlan } from "./loop.ts";
import type { Precision } from "../onnx/providers.ts";
import type { Trainer } from "./trainer.ts";

/** How far a policy has moved on a few examples, as a record's summary says it. */
export type Diagnostics = {
  /** The source of these examples. */
  readonly on: "evaluation" | "training";
  readonly examples: number;
  /** Mean of log π − log π_start, nats a completion; `null` without any. */
  readonly chosenChange: number | null;
  readonly rejectedChange: number | null;
  /** `chosenChange` less `rejectedChange`. */
  readonly marginChange: number | null;
  /** Estimate of KL(π_start‖π), see {@linkcode changeMetrics}. */
  readonly klStart: number;
  /**
   * Likelihood displacement: the margin has grown, yet the chosen completions
   * have become less likely, both by more than rounding. https://arxiv.org/abs/2410.08847
   */
  readonly displaced: boolean;
  /** Mean scored tokens of a completion. */
  readonly lengths: {
    readonly chosen: number | null;
    readonly rejected: number | null;
  };
  /**
   * Correlation over pairs of a margin's change with the difference in tokens
   * between chosen and rejected completions; `null` where it is not defined, or
   * no margin has changed by more than rounding.
   */
  readonly lengthCorrelation: number | null;
};

/** Most examples that are followed, by their source. */
const MOST = { evaluation: 256, training: 16 } as const;

/**
 * Follows how log-probabilities of a few fixed examples change from the start
 * of a run: also for losses without a reference, and for those that look at
 * chosen completions alone.
 */
export class ChangeMonitor {
  /** The changes at the step for which they were last computed. */
  #last: { step: number; changes: readonly (readonly number[])[] } | undefined;

  private constructor(
    private readonly trainer: Trainer,
    private readonly on: Diagnostics["on"],
    private readonly examples: readonly Example[],
    private readonly start: readonly (readonly number[])[],
  ) {}

  /**
   * Starts from the policy's initial parameters, whatever step the trainer is
   * at. The examples are the first ones of the evaluation, or of training in a
   * run without evaluation, each with the other completion of its pair.
   *
   * @param reference the initial one, if there is one: it has their
   * log-probabilities already.
   */
  static async create(
    trainer: Trainer,
    plan: TrainingPlan,
    reference: Reference | null,
  ): Promise<ChangeMonitor> {
    const { examples, batches, evalExamples, referenceUpdate } = plan;
    const on = evalExamples.length > 0 ? "evaluation" : "training";
    // One that moves has no log-probabilities of later steps' examples.
    const steps = batches.slice(
      0,
      reference ? referenceUpdate?.every : Infinity,
    );
    const candidates = on === "evaluation"
      ? evalExamples
      : [...new Set(steps.flat())].map((i) => examples[i]!);
    const chosen = pairsTogether(candidates).slice(0, MOST[on]);
    const { trained, initial } = trainer.options.policy;
    // A copy is as large as the model where all of it is trained.
    const parameters = trainer.step === 0
      ? trainer.parameters
      : tensorsOf(trained, initial);
    const start = reference
      ? chosen.map((example) => reference.logProbs(example))
      : await trainer.forward.logProbs(chosen, { parameters });
    return new ChangeMonitor(trainer, on, chosen, start);
  }

  /** The metrics of {@linkcode changeMetrics} at the trainer's present step. */
  async metrics(): Promise<Record<string, number>> {
    return changeMetrics(this.examples, await this.#changes());
  }

  /** The changes at the trainer's present step, for a record's summary. */
  async diagnostics(): Promise<Diagnostics> {
    const { on, examples } = this;
    const { precision } = this.trainer.options;
    return { on, ...diagnose(examples, await this.#changes(), precision) };
  }

  /** log π − log π_start of each example's completions, in nats. */
  async #changes(): Promise<readonly (readonly number[])[]> {
    const { step } = this.trainer;
    if (this.#last?.step !== step) {
      const now = await this.trainer.logProbs(this.examples);
      const changes = now.map((list, i) =>
        list.map((logProb, k) => logProb - this.start[i]![k]!)
      );
      this.#last = { step, changes };
    }
    return this.#last!.changes;
  }
}

/**
 * Means of changes of log-probabilities since the start, nats a completion, by
 * weight where examples have weights.
 *
 * - `change/chosen`, `change/rejected`, and `change/margin`, their difference;
 * - `change/accuracies`: share of pairs of which the margin has grown;
 * - `kl/start`: KL(π_start‖π) ≈ mean of log π_start − log π over all
 *   completions as if they were drawn from π_start (the estimator k1 of
 *   http://joschu.net/blog/kl-approx.html). Those of data are not, so it may
 *   be below 0; it is comparable between runs on the same examples.
 *
 * A mean over no example is left out.
 *
 * @param changes log π − log π_start of each example's completions.
 */
export function changeMetrics(
  examples: readonly Pick<Example, "prompt" | "label" | "weight">[],
  changes: readonly (readonly number[])[],
): Record<string, number> {
  const { chosen, rejected, weights } = byPreference(examples, changes);
  return {
    ...groupMeans("change", examples, changes),
    ...withoutNaN({
      "change/margin": mean(chosen, weights.chosen) -
        mean(rejected, weights.rejected),
      "change/accuracies": mean(
        marginsOf(examples, changes).map((margin) => Number(margin > 0)),
        weights.pairs,
      ),
      "kl/start": mean(changes.flat().map((change) => -change)),
    }),
  };
}

/**
 * Summarises changes of log-probabilities since the start of a run.
 *
 * @param changes log π − log π_start of each example's completions.
 * @param precision in which they are computed: no change within its rounding is
 * told.
 */
export function diagnose(
  examples: readonly Example[],
  changes: readonly (readonly number[])[],
  precision: Precision = "float32",
): Omit<Diagnostics, "on"> {
  const {
    "change/chosen": chosenChange = null,
    "change/rejected": rejectedChange = null,
    "change/margin": marginChange = null,
    "kl/start": klStart = 0,
  } = changeMetrics(examples, changes);
  const lengths = examples.map(lossLengths);
  const {
    "lengths/chosen": chosen = null,
    "lengths/rejected": rejected = null,
  } = groupMeans("lengths", examples, lengths);
  const noise = (tokens: number | null) => rounding(tokens ?? 0, precision);
  const least = noise(chosen) + noise(rejected);
  const margins = marginsOf(examples, changes);
  return {
    examples: examples.length,
    chosenChange,
    rejectedChange,
    marginChange,
    klStart,
    displaced: (marginChange ?? 0) > least &&
      (chosenChange ?? 0) < -noise(chosen),
    lengths: { chosen, rejected },
    lengthCorrelation: margins.some((x) => Math.abs(x) > least)
      ? correlation(margins, marginsOf(examples, lengths))
      : null,
  };
}

/** By how much each pair's chosen value exceeds the rejected. */
function marginsOf(
  examples: readonly Pick<Example, "prompt" | "label">[],
  values: readonly (readonly number[])[],
): number[] {
  return byPreference(examples, values).pairs.map(([w, l]) => w - l);
}
